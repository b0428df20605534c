//! From words to a container: the only file that names std, for lexopt.
//!
//! Go's flag rules, as in the original: one dash or two, `-name=value` or `-name value`, switches
//! `-name[=true|false]`; flags end at `--` or at the first word that is none, and the rest is the command.

#[cfg(not(test))]
extern crate std;

use crate::config::{self, Action, Command, Config};
use crate::flags::{self, Flag, Takes};
use crate::ids::User;
use crate::launch::{self, Failure, Outcome};
use crate::report::{self, Bench, Misuse, Trace, Variant};
use crate::sys::file::Open;
use crate::sys::process::Caller;
use crate::sys::recorder::{self, Mode};
use crate::sys::signal::{self, INTERRUPT};
use crate::sys::{Name, Word, Words, file, process, uts};
use crate::text::{Text, first_part, parts};
use core::cell::Cell;
use core::ffi::CStr;
use core::mem::{self, ManuallyDrop};
use core::slice;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::vec::Vec;

/// `PS1=`, and what a shell shows.
type Prompt = Text<256>;

/// Wrong usage.
const WRONG_USAGE: i32 = 2;

/// Where commands are looked up if no PATH says so, and in a foreign tree.
const USUAL_PATH: &CStr = c"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Does what the words ask for and returns the exit status.
pub(crate) fn run(words: Words, environment: Words, caller: Caller) -> i32 {
    if caller.was_raised {
        report::note(
            "refused: set-user-id, set-group-id or file capabilities, or real ids that are not the effective ones\n\
             hint: no privilege is needed: chmod ug-s FILE, setcap -r FILE",
        );
        return launch::CANNOT_START; // whoever may execute it would be root of the host
    }
    if process::is_confined() && file::is_out_of_place() {
        report::note(
            "refused: this file was not run by its name, or nothing here says so\n\
             hint: in a container, run one of its own tree",
        );
        return launch::CANNOT_START; // what it starts could write to the file of a host
    }
    let mut config = Config::new(caller.uid, caller.gid);
    let rest = match parse(words, &mut config) {
        Ok(rest) => rest,
        Err(misuse) => {
            report::misuse(&misuse);
            return WRONG_USAGE;
        }
    };
    if config.user && (config.caller_uid != 0 || config.map.is_some()) {
        // In a user namespace it may have another number; or none, as in most, which the kernel calls 65534, as it may
        // have called root.
        config.host_root = file::mode_and_owner(c"/proc/sys").map_or(0, |(_, owner)| owner);
    }
    match config.action {
        Some(Action::Help) => print(flags::help),
        Some(Action::Version) => print(|text| _ = text.push_str(env!("GONTAINER_VERSION")).push_str("\n")),
        Some(action) => {
            if config.time_is_optional && config.time && !process::has_time_namespaces() {
                config.time = false;
                report::note("-time is left out: it takes Linux 6.2 and CONFIG_TIME_NS");
            }
            if action == Action::Bench {
                bench(&config, caller.file, words, rest, environment)
            } else {
                start(&config, rest, environment)
            }
        }
        None => WRONG_USAGE, // `parse` has refused it
    }
}

/// Writes what was asked for to standard output.
#[cold]
#[inline(never)]
fn print(fill: fn(&mut flags::Help)) -> i32 {
    let mut text = flags::Help::new();
    fill(&mut text);
    report::arrived(file::write_all(1, text.as_bytes()))
}

fn start(config: &Config, rest: Words, environment: Words) -> i32 {
    let interactive = rest.clone().next().is_none() && file::is_terminal(0);
    if interactive && !config.quiet && !config.plan {
        report::banner(config);
    }
    let command = command(config, rest, environment, interactive);
    if config.plan {
        recorder::start(Mode::Rehearse);
        launch::rehearse(config, &command);
        recorder::stop();
        return report::arrived(report::trace(Trace::Plan, config, &command, None, may_colour(environment, 1)));
    }
    if config.trace {
        recorder::start(Mode::Record);
    }
    let mut tell = |failure: Option<&Failure>| {
        recorder::stop();
        report::trace(Trace::Start, config, &command, failure, may_colour(environment, 2)); // nobody reads it: so be it
    };
    match launch::run(config, &command, &mut tell) {
        Outcome::Ended(status) => status,
        Outcome::Interrupted => {
            signal::end_by(INTERRUPT);
            128 + INTERRUPT.0
        }
        Outcome::OutOfMemory(status) => {
            report::note("the container used all of its -memory, and was killed");
            status
        }
        Outcome::NotStarted(failure, interpreter) => {
            if config.trace && recorder::is_on() {
                tell(Some(&failure)); // it failed before there was anything to start
            }
            report::not_started(config, &failure, interpreter.as_ref());
            failure.fault.status(interpreter.is_some())
        }
    }
}

#[cold]
#[inline(never)]
fn bench(config: &Config, file: &'static CStr, words: Words, rest: Words, environment: Words) -> i32 {
    let mut config = *config;
    config.no_command = rest.clone().next().is_none();
    let config = &config;
    let command = command(config, rest, environment, false);
    let mut variants = Vec::new();
    let mut programs = None;
    if let Some(versus) = config.versus {
        let Some(theirs) = in_words(versus.to_bytes()) else {
            report::misuse(&Misuse::Whole("-vs: no word, or an open quote"));
            return WRONG_USAGE;
        };
        programs = Some([as_run(file, words, rest), theirs].map(|mut words| {
            words.push(Word::END);
            let path = environment.clone().find_map(|word| word.after(b"PATH=")).unwrap_or(USUAL_PATH);
            Command { words: Words::new(words.leak()), environment, path }
        }));
    } else if config.jobs == 1 && config.may_be_freer() {
        variants = without_one_flag(config, words, environment);
    }
    report::bench(&Bench { config, command: &command, variants: &variants, programs, words })
}

/// The same start without each of its flags, where that makes sense.
#[inline(never)]
fn without_one_flag(config: &Config, words: Words, environment: Words) -> Vec<Variant> {
    let mut variants = Vec::new();
    for index in 0.. {
        let Split { flags, rest, left_out: Some(flag) } = split(words, index) else { break };
        let name = flag_name(flag.to_bytes());
        let mut other = Config::new(config.caller_uid, config.caller_gid);
        if flags::find(name).is_none_or(Flag::shapes_container)
            && parse_flags(flags, &mut other).is_ok()
            // Neither does a command of one's own run on the host's tree, nor is a mount point made there.
            && (other.wants_root() == config.wants_root() || config.no_command && !config.wants_more_mounts())
            && other.wants_overlay() == config.wants_overlay()
            // What root deletes with -uid is there without, the other way round, too.
            && (other.user == config.user || !other.keeps_changes())
        {
            other.no_command = config.no_command;
            let command = command(&other, rest, environment, false);
            variants.push(Variant { flag, config: other, command, starts: Cell::new(true) });
        }
    }
    variants
}

/// Colours are for terminals, and for those who did not say no: <https://no-color.org>.
fn may_colour(environment: Words, fd: i32) -> bool {
    let mut values = environment.filter_map(|word| value(word.into(), b"NO_COLOR"));
    values.next().is_none_or(CStr::is_empty) && file::is_terminal(fd)
}

/// Our own command line with `-run` in place of all that is `-bench`'s, executed by our own file.
#[inline(never)]
fn as_run(file: &'static CStr, words: Words, rest: Words) -> Vec<Word> {
    let mut ours = Vec::from([Word::of(own_file(file)), Word::of(c"-run")]);
    for word in split(words, usize::MAX).flags {
        if flags::find(flag_name(word.as_bytes())).is_some_and(Flag::shapes_container) {
            ours.push(keep(word).into());
        }
    }
    ours.push(Word::of(c"--"));
    rest.for_each(|word| ours.push(word.into()));
    ours
}

/// Our own file by the name that it was executed by, as the other's is: `/proc/self/exe` would cost every start two
/// inodes of /proc. It serves where that name is gone, or another file's, or would be looked up along PATH.
fn own_file(name: &'static CStr) -> &'static CStr {
    const OWN: &CStr = c"/proc/self/exe";
    let [named, own] = [name, OWN].map(|path| file::open(path, Open::Name));
    match (named, own) {
        (Ok(named), Ok(own)) if name.to_bytes().contains(&b'/') && file::are_same(&named, &own) == Ok(true) => name,
        _ => OWN,
    }
}

/// The name of a flag as it was given.
#[inline(never)]
fn flag_name(word: &[u8]) -> &[u8] {
    first_part(word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-")).unwrap_or(word), b'=')
}

/// A command line cut at its blanks, of which quotes of either kind take away the meaning.
#[inline(never)]
fn in_words(line: &[u8]) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word = Vec::new();
    let mut is_begun = false; // quotes alone begin a word, too
    let mut quote = None;
    for letter in line.iter().chain(b" ").copied() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, b'"' | b'\'') => (quote, is_begun) = (Some(letter), true),
            (None, b' ' | b'\t' | b'\n') => {
                if mem::take(&mut is_begun) {
                    words.push(keep(OsString::from_vec(mem::take(&mut word))).into());
                }
            }
            _ => {
                word.push(letter);
                is_begun = true;
            }
        }
    }
    (quote.is_none() && !words.is_empty()).then_some(words)
}

/// Reads the flags into `config`; what is left is the command.
fn parse(words: Words, config: &mut Config) -> Result<Words, Misuse> {
    let Split { flags, rest, .. } = split(words, usize::MAX);
    parse_flags(flags, config).map(|()| rest)
}

fn parse_flags(flags: Vec<OsString>, config: &mut Config) -> Result<(), Misuse> {
    // Never dropped: the arena takes nothing back.
    let mut parser = ManuallyDrop::new(lexopt::Parser::from_args(flags));
    loop {
        let next = ManuallyDrop::new(parser.next());
        // `split` lets nothing but long options through, and no value is left untaken.
        let Ok(Some(lexopt::Arg::Long(name))) = &*next else { break };
        let Some(flag) = flags::find(name.as_bytes()) else {
            return Err(Misuse::UnknownFlag(keep(name.into())));
        };
        let complain = |what| Misuse::BadValue(flag, what);
        let given = parser.optional_value().map(keep);
        match flag.takes {
            Takes::Nothing(_, set) => {
                if given.is_some() {
                    return Err(complain("takes no value"));
                }
                set(config);
                if matches!(config.action, Some(Action::Help | Action::Version)) {
                    return Ok(()); // help and version also work among mistakes
                }
            }
            Takes::Switch(_, set) => match given.map_or(Some(true), truth) {
                Some(on) => set(config, on),
                None => return Err(complain("takes true or false")),
            },
            Takes::Value(_, set) => match given {
                Some(value) => set(config, value).map_err(complain)?,
                None => return Err(Misuse::MissingValue(flag)),
            },
            Takes::Maybe(_, set) => set(config, given).map_err(complain)?,
        }
    }
    check(config)
}

/// What no single flag can see.
fn check(config: &mut Config) -> Result<(), Misuse> {
    if config.plan {
        config.action = Some(Action::Run); // `-plan` is a `-run` that stays on paper
    }
    let measures = config.action == Some(Action::Bench);
    let complaint = if !measures && (config.json || config.jobs > 1 || config.versus.is_some()) {
        "-json, -jobs and -vs: need -bench"
    } else if config.jobs > 1 && config.versus.is_some() {
        "-vs: not with -jobs"
    } else if config.jobs > 1 && config.keeps_changes() {
        "-overlay=DIR: not with -jobs: it serves one container at a time"
    } else if config.action.is_none() {
        "nothing to do: -run starts a container, as in gontainer -run -uid -pid"
    } else if !config.isolates() {
        "nothing to isolate: add namespaces, such as -uid -pid"
    } else if !config.user && (config.map.is_some() || config.group_map.is_some()) {
        "-map: needs a user namespace: leave -uid=false out"
    } else if config.wants_identity() && config.identity().is_none() {
        "-map: no id inside is 0 or yours: say with -user who COMMAND is to be"
    } else if config.opens_init() {
        "-cap: with sys_ptrace root inside would reach gontainer, which is PID 1: add -as-pid1"
    } else if config.loosens_strict() {
        "-strict: no flag may loosen it"
    } else if config.wants_overlay() && !config.wants_root() {
        "-overlay: needs -mnt, as in -mnt=/ for the host's own tree"
    } else if config.as_pid1 && !config.pid {
        "-as-pid1: needs -pid"
    } else if config.keeps_changes() && !config.wants_init() {
        "-overlay=DIR: needs -pid, and not -as-pid1"
    } else {
        return Ok(());
    };
    Err(Misuse::Whole(complaint))
}

/// A command line in its two parts.
struct Split {
    /// The flags, spelt as lexopt's long options, each in one word with its value.
    flags: Vec<OsString>,
    /// The command.
    rest: Words,
    /// The flag that was left out.
    left_out: Option<&'static CStr>,
}

/// Parts the flags from the command, and leaves one flag out: the first is 0.
fn split(words: Words, leave_out: usize) -> Split {
    let mut rest = words;
    let mut flags = Vec::new();
    let mut left_out = None;
    rest.next(); // our own name, if we were given one
    for index in 0_usize.. {
        let before = rest;
        let Some(given) = rest.next() else { break };
        let given = given.text();
        let word = given.to_bytes();
        if word == b"--" {
            break;
        }
        let Some(name) = word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-")).filter(|name| !name.is_empty())
        else {
            rest = before;
            break;
        };
        let mut long = [b"--", name].concat();
        if flags::find(name).is_some_and(|flag| flag.takes.needs_value())
            && let Some(value) = rest.next()
        {
            long.push(b'=');
            long.extend_from_slice(value.bytes());
        }
        if index == leave_out {
            left_out = Some(given);
        } else {
            flags.push(OsString::from_vec(long));
        }
    }
    Split { flags, rest, left_out }
}

/// The words that Go's flag package takes for a truth value.
fn truth(value: &CStr) -> Option<bool> {
    let is_one_of = |words: &[u8]| parts(words, b' ').any(|word| word == value.to_bytes());
    if is_one_of(b"1 t T true TRUE True") { Some(true) } else { is_one_of(b"0 f F false FALSE False").then_some(false) }
}

/// Keeps a string for the rest of the run. It came from argv, so it holds no NUL.
#[inline(never)]
fn keep(text: OsString) -> &'static CStr {
    let mut bytes = text.into_vec();
    bytes.push(0);
    CStr::from_bytes_until_nul(bytes.leak()).unwrap_or_default()
}

/// What runs, and what it finds around it.
fn command(config: &Config, rest: Words, caller: Words, interactive: bool) -> Command {
    static SHELL: [Word; 2] = [Word::of(c"/bin/sh"), Word::END];
    let words = if rest.clone().next().is_some() { rest } else { Words::new(&SHELL) };
    let mut environment = environment_of(config, caller);
    if interactive {
        set(&mut environment, b"PS1", keep(OsStr::from_bytes(prompt(config).as_bytes()).into()).into());
    }
    if config.identity.is_some() || config.wants_identity() && config.wants_root() {
        // Known once the command's process has looked them up inside.
        for (room, name) in [(&config::HOME, &b"HOME="[..]), (&config::USER, b"USER=")] {
            room.fill(name, b"");
            set(&mut environment, name_of(name), room.word());
        }
    }
    set(&mut environment, b"container", Word::of(c"container=gontainer"));
    for asked in config.environment.iter().copied() {
        let name = name_of(asked.to_bytes());
        if name.len() < asked.count_bytes() {
            set(&mut environment, name, asked.into());
        } else if let Some(word) = caller.clone().find(|word| value((*word).into(), name).is_some()) {
            set(&mut environment, name, word.into());
        }
    }
    let path = environment.iter().find_map(|word| value(*word, b"PATH")).unwrap_or(USUAL_PATH);
    environment.push(Word::END);
    Command { words, environment: Words::new(environment.leak()), path }
}

/// What the command finds: on the host's tree what the caller has; in a foreign tree nothing of the
/// host's but the terminal's type and the language, unless all was asked for.
fn environment_of(config: &Config, caller: Words) -> Vec<Word> {
    const ADDED: usize = 8;
    static OWN: [Word; 3] = [
        Word::of(c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        Word::of(c"HOME=/root"),
        Word::of(c"USER=root"),
    ];
    let asked = config.environment.iter().count() + ADDED;
    let all = config.environment.iter().any(|asked| asked.to_bytes() == b"all");
    if !config.wants_root() || all {
        let mut words = Vec::with_capacity(caller.count() + asked);
        caller.for_each(|word| words.push(word.into()));
        return words;
    }
    let handed_on = |word: &Name| [&b"TERM="[..], b"LANG=", b"LC_"].iter().any(|start| word.after(start).is_some());
    let mut words = Vec::with_capacity(16 + asked);
    words.extend_from_slice(&OWN);
    caller.filter(handed_on).for_each(|word| words.push(word.into()));
    words
}

/// Sets a variable, in the place of one of the same name if there is one.
fn set(environment: &mut Vec<Word>, name: &[u8], word: Word) {
    match environment.iter_mut().find(|other| value(**other, name).is_some()) {
        Some(place) => *place = word,
        None => environment.push(word),
    }
}

/// What stands before a variable's `=`.
fn name_of(word: &[u8]) -> &[u8] {
    first_part(word, b'=')
}

/// The value of a variable, if it has this name.
fn value(word: Word, name: &[u8]) -> Option<&'static CStr> {
    Name::of(word.after(name)?).after(b"=")
}

/// The prompt, from nothing but what a shell expands by itself, so that no program is needed.
fn prompt(config: &Config) -> Prompt {
    let names = uts::names();
    let host = match (&names, config.wants_uts()) {
        (Ok(names), false) => names.host(),
        _ => config.new_host_name().to_bytes(),
    };
    let mut prompt = Prompt::new();
    prompt.push_str("PS1=📦 [");
    match (config.identity, config.identity()) {
        (Some((_, word)), _) => push_harmless(&mut prompt, first_part(word.to_bytes(), b':')),
        (None, Some(User::Ids(uid, _))) => _ = prompt.push_number(uid.into()),
        _ => _ = prompt.push_str("root"),
    }
    prompt.push(b"@");
    push_harmless(&mut prompt, host);
    prompt.push_str("] ~$PWD ‣ ");
    prompt
}

/// A shell evaluates its prompt: nothing in a name may be an expansion.
fn push_harmless(prompt: &mut Prompt, name: &[u8]) {
    for byte in name {
        let is_harmless = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        prompt.push(if is_harmless { slice::from_ref(byte) } else { b"?" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::FLAGS;
    use proptest::prelude::*;

    /// Words as people and fuzzers write them: flags, values, and anything.
    fn word() -> impl Strategy<Value = Vec<u8>> {
        let flag =
            (0..FLAGS.len(), "-{1,3}", "|=|=true|=0|=[a-z0-9:/,.=-]{0,12}").prop_map(|(index, dashes, value)| {
                let name = FLAGS.get(index).and_then(|flag| core::str::from_utf8(flag.name()).ok()).unwrap_or_default();
                format!("{dashes}{name}{value}").into_bytes()
            });
        prop_oneof![
            6 => flag,
            2 => "[0-9]{1,20}|[0-9]+:[0-9]+:[0-9]+|[a-z/=:,+-]{0,16}".prop_map(String::into_bytes),
            1 => prop::collection::vec(1_u8.., 0..40),
            1 => Just(b"--".to_vec()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        /// No command line upsets the parser, and what it leaves as the command is the end of it, untouched.
        #[test]
        fn any_command_line_is_understood_or_refused(words in prop::collection::vec(word(), 0..12)) {
            let mut array: Vec<Word> = vec![c"gontainer".into()];
            array.extend(words.iter().map(|word| Word::from(keep(OsStr::from_bytes(word).into()))));
            array.push(Word::END);
            let mut config = Config::new(1000, 1000);
            match parse(Words::new(array.leak()), &mut config) {
                Ok(rest) => {
                    let rest: Vec<&[u8]> = rest.map(|word| word.bytes()).collect();
                    prop_assert!(words.iter().rev().zip(rest.iter().rev()).all(|(word, left)| word == left));
                    prop_assert!(rest.len() <= words.len() && config.action.is_some());
                }
                Err(Misuse::BadValue(_, what) | Misuse::Whole(what)) => prop_assert!(!what.is_empty()),
                Err(Misuse::UnknownFlag(_) | Misuse::MissingValue(_)) => {}
            }
        }
    }
}
