//! Starting containers over and over, and timing each.
//!
//! Each start is made by a copy of this process, through what `-run` does; the clock runs from there until
//! the command is executed, and until it is reaped. What it is compared with starts in the same way, in the
//! same loop, so that both meet the same machine.

use super::Bench;
use crate::config::{Command, Config};
use crate::launch::{self, CANNOT_START, Outcome};
use crate::report;
use crate::sys::process;
use crate::sys::recorder::{self, Mode, Side, What};
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Fd, Name, Pid, Signal, clock, file, memory, number as nr};
use crate::text::Text;
use core::sync::atomic::{AtomicU64, Ordering};

/// Rounds that are thrown away at first: caches are cold. Fewer if they take long.
const WARM_UP_ROUNDS: u32 = 20;
const WARM_UP_NS: u64 = 300_000_000;

/// A network namespace is taken down after its last process, by the kernel in its own time, and what starts
/// meanwhile may wait for it. How long is enough depends on the machine; this is a choice.
const DRAIN_MS: u32 = 5;

/// Of the starts that are recorded, and of those without one of the flags, each a quarter of all, at most.
const MOST_PART: usize = 1000;

/// More steps than the plan has.
const MOST_STEPS: usize = 96;

/// What a start leaves in shared memory: how long it took until it was over and until the command was executed, what
/// came of it, and, for who measures, its process.
const SLOT: usize = 4;

/// Signals that ask for an early end.
static ENDS: [Signal; 3] = [Signal(libc::SIGINT), Signal(libc::SIGTERM), Signal(libc::SIGHUP)];

/// What a slot's third number says.
const ENDED: u64 = 1;
const NOT_STARTED: u64 = 2;

/// How a start is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As `-run` does.
    Container,
    /// The same, with the recorder on.
    Recorded,
    /// Only clone and execute.
    Bare,
}

/// What is started.
#[derive(Clone, Copy)]
struct Subject<'a> {
    config: &'a Config,
    command: &'a Command,
    way: Way,
}

/// What one start took.
#[derive(Clone, Copy, Default)]
struct Sample {
    whole_ns: u64,
    start_ns: u64,
    status: u64,
    user_us: u64,
    system_us: u64,
}

/// Samples in the order in which they were taken.
#[derive(Default)]
pub(super) struct Series {
    room: &'static mut [u64],
    used: usize,
}

impl Series {
    #[inline(never)]
    fn push(&mut self, sample: u64) {
        if let Some(place) = self.room.get_mut(self.used) {
            *place = sample;
            self.used += 1;
        }
    }

    pub(super) fn samples(&self) -> &[u64] {
        self.room.get(..self.used).unwrap_or_default()
    }
}

/// All starts of one thing.
#[derive(Default)]
pub(super) struct Starts {
    /// Until the command was executed, and until it was reaped.
    pub(super) start: Series,
    pub(super) whole: Series,
    pub(super) codes: Series,
    /// Processor time of all `whole` together.
    pub(super) user_us: u64,
    pub(super) system_us: u64,
    /// How long all of them together took, several at a time; otherwise 0.
    elapsed_ns: u64,
}

impl Starts {
    fn keep(&mut self, sample: &Sample, start_ns: u64) {
        self.whole.push(sample.whole_ns);
        self.start.push(start_ns);
        self.codes.push(sample.status);
        self.user_us += sample.user_us;
        self.system_us += sample.system_us;
    }

    /// How many a second, several at a time.
    pub(super) fn tenths_per_second(&self) -> Option<u64> {
        (self.whole.used as u64).saturating_mul(10_000_000_000).checked_div(self.elapsed_ns)
    }
}

/// All that was measured.
#[derive(Default)]
pub(super) struct Samples {
    /// Ours, and what it is compared with.
    pub(super) sides: [Starts; 2],
    pub(super) warm_up: u64,
    /// The steps by the plan, and each one's share of the starts that were recorded.
    pub(super) steps: &'static [Option<(Side, Name)>],
    pub(super) step_times: Share,
    /// The whole life with all flags, then without each of the variants' flags.
    pub(super) variants: Share,
    pub(super) scratch: &'static mut [u64],
    /// The signal that ended it early.
    pub(super) stopped_by: Option<Signal>,
}

/// Several series of one length, one behind the other.
#[derive(Default)]
pub(super) struct Share {
    room: &'static mut [u64],
    each: usize,
    used: usize,
}

impl Share {
    #[inline(never)]
    fn set(&mut self, which: usize, sample: u64) {
        if let Some(place) = self.room.get_mut(which * self.each + self.used) {
            *place = sample;
        }
    }

    pub(super) fn samples(&self, which: usize) -> &[u64] {
        let start = which * self.each;
        self.room.get(start..start + self.used).unwrap_or_default()
    }

    pub(super) fn count(&self) -> usize {
        self.used
    }
}

/// Why there is nothing to report.
pub(super) enum Trouble {
    /// The system refused us something.
    Refused(&'static str, Errno),
    /// What is to be measured does not start; it has said why.
    DoesNotStart,
}

/// Whoever starts and times.
struct Runner {
    null: Fd,
    mask: SignalSet,
    /// For each start at a time, a slot.
    slots: &'static [AtomicU64],
    step_times: &'static [AtomicU64],
    steps: &'static [Option<(Side, Name)>],
    random: u64,
    done: u64,
    planned: u64,
    shows_progress: bool,
    shown_ns: u64,
}

/// Measures all that is asked for, or as much as there is time for until a signal comes.
pub(super) fn measure(asked: &Bench, samples: &mut Samples) -> Result<(), Trouble> {
    let refused = |what| move |errno| Trouble::Refused(what, errno);
    let jobs = asked.config.jobs as usize;
    let runs = asked.config.runs as usize;
    let part = if jobs > 1 || asked.programs.is_some() { 0 } else { (runs / 4).clamp(1, MOST_PART) };
    let variants = if asked.variants.is_empty() { 0 } else { asked.variants.len() + 1 };
    let steps = plan(asked);
    let shares = part * (steps.len() + variants);
    let mut room = memory::numbers(runs * 7 + shares).map_err(refused("mmap"))?;
    samples.scratch = take(&mut room, runs);
    samples.steps = steps;
    for side in &mut samples.sides {
        for series in [&mut side.start, &mut side.whole, &mut side.codes] {
            series.room = take(&mut room, runs);
        }
    }
    samples.step_times = Share { room: take(&mut room, part * steps.len()), each: part, used: 0 };
    samples.variants = Share { room: take(&mut room, part * variants), each: part, used: 0 };

    signal::ignore_child_signal(false).map_err(refused("rt_sigaction"))?; // ignored, it takes children's ends away
    let ends = ENDS.iter().copied().filter(|signal| signal::is_ignored(*signal) == Ok(false));
    let blocked = ends.fold(SignalSet::EMPTY, SignalSet::with);
    let mut runner = Runner {
        null: file::open_null().map_err(refused("open(/dev/null)"))?,
        mask: signal::swap_mask(blocked).map_err(refused("rt_sigprocmask"))?,
        slots: memory::shared_numbers(SLOT * jobs).map_err(refused("mmap"))?,
        step_times: memory::shared_numbers(MOST_STEPS).map_err(refused("mmap"))?,
        steps,
        random: clock::now_ns() | 1,
        done: 0,
        planned: runs as u64 * if jobs > 1 || asked.programs.is_some() { 2 } else { 3 }
            + (part * (1 + variants)) as u64,
        shows_progress: file::is_terminal(2),
        shown_ns: 0,
    };
    let [mut plain, mut noticed] = [*asked.config; 2];
    (plain.trace, noticed.trace) = (false, true);
    let nothing_asked = Config::new(plain.caller_uid, plain.caller_gid);
    let container = Subject { config: &plain, command: asked.command, way: Way::Container };
    let [ours, theirs] = match &asked.programs {
        Some([ours, theirs]) => {
            [ours, theirs].map(|command| Subject { config: &nothing_asked, command, way: Way::Bare })
        }
        None => [container, Subject { way: Way::Bare, ..container }],
    };
    if !runner.tries(&ours, true)? {
        return Err(Trouble::DoesNotStart);
    }
    let has_other = asked.programs.is_some();
    let compares = (has_other || asked.config.may_be_freer()) && runner.tries(&theirs, has_other)?;
    if !compares && asked.programs.is_some() {
        return Err(Trouble::DoesNotStart);
    }
    if jobs > 1 {
        let [our_side, their_side] = &mut samples.sides;
        runner.at_a_time(our_side, &ours, runs, jobs);
        if compares {
            runner.at_a_time(their_side, &theirs, runs, jobs);
        }
    } else {
        let recorded = Subject { config: &noticed, command: asked.command, way: Way::Recorded };
        let start = asked.programs.is_none().then_some(Subject { config: &noticed, ..container });
        runner.one_by_one(samples, [Some(ours), compares.then_some(theirs), start], runs);
        for _ in 0..part {
            runner.record(samples, &recorded);
        }
        if variants > 0 {
            runner.compare_variants(samples, asked, &container, part);
        }
    }
    samples.stopped_by = runner.stop();
    runner.end_progress();
    Ok(())
}

/// The first `count` numbers.
#[inline(never)]
fn take(room: &mut &'static mut [u64], count: usize) -> &'static mut [u64] {
    room.split_off_mut(..count).unwrap_or_default()
}

/// The steps that a start has, by the plan.
#[inline(never)]
fn plan(asked: &Bench) -> &'static [Option<(Side, Name)>] {
    if asked.config.jobs > 1 || asked.programs.is_some() {
        return &[];
    }
    let mut steps = [None; MOST_STEPS];
    let mut config = *asked.config;
    config.trace = true;
    recorder::start(Mode::Rehearse);
    launch::rehearse(&config, asked.command);
    recorder::stop();
    let mut count = 0;
    for record in recorder::records() {
        if let (What::Step(name), Some(place)) = (&record.what, steps.get_mut(count)) {
            *place = Some((record.side, *name));
            count += 1;
        }
    }
    crate::sys::keep(steps).get(..count).unwrap_or_default()
}

impl Runner {
    /// The signal that asks for the end.
    #[inline(never)]
    fn stop(&self) -> Option<Signal> {
        let pending = signal::pending().ok()?;
        ENDS.iter().copied().find(|one| pending.has(*one))
    }

    /// Starts it once, to see whether it starts; `loudly`, it says why not.
    #[inline(never)]
    fn tries(&mut self, subject: &Subject, loudly: bool) -> Result<bool, Trouble> {
        self.spawn(subject, 0, loudly).map_err(|errno| Trouble::Refused("clone", errno))?;
        Ok(self.collect().is_some())
    }

    #[inline(never)]
    fn slot(&self, slot: usize, which: usize) -> u64 {
        self.slots.get(slot * SLOT + which).map_or(0, |place| place.load(Ordering::Relaxed))
    }

    #[inline(never)]
    fn set_slot(&self, slot: usize, which: usize, value: u64) {
        if let Some(place) = self.slots.get(slot * SLOT + which) {
            place.store(value, Ordering::Relaxed);
        }
    }

    /// A copy of this process makes the start.
    fn spawn(&self, subject: &Subject, slot: usize, loudly: bool) -> Result<Pid, Errno> {
        self.set_slot(slot, 2, 0);
        match process::fork()? {
            Some(pid) => {
                self.set_slot(slot, 3, pid.0.unsigned_abs().into());
                Ok(pid)
            }
            None => self.play(subject, slot, loudly),
        }
    }

    /// In the copy: makes the start, leaves its times in the slot, and ends.
    fn play(&self, subject: &Subject, slot: usize, loudly: bool) -> ! {
        let _ = process::die_with_parent();
        let _ = signal::swap_mask(self.mask);
        // No terminal: it would change hands with every start. Nothing to see either.
        for number in 0..if loudly { 2 } else { 3 } {
            file::put(&self.null, number);
        }
        let records = subject.way == Way::Recorded;
        if records {
            recorder::start(Mode::Record);
        }
        let (config, command) = (subject.config, subject.command);
        let mut started_ns = 0;
        // All that is written stays local until the clock stands: a shared page's first touch is a fault.
        let begin_ns = clock::now_ns();
        let (status, outcome) = if subject.way == Way::Bare {
            match launch::run_bare(config, command, &mut || started_ns = clock::now_ns()) {
                Ok(status) if status != CANNOT_START => (status, ENDED),
                _ => (CANNOT_START, NOT_STARTED),
            }
        } else {
            match launch::run(config, command, &mut |_| started_ns = clock::now_ns()) {
                Outcome::Ended(status) | Outcome::OutOfMemory(status) => (status, ENDED),
                Outcome::Interrupted => (128 + libc::SIGINT, ENDED), // never: a copy has no terminal
                Outcome::NotStarted(failure, interpreter) => {
                    if loudly {
                        report::not_started(config, &failure, interpreter.as_ref());
                    }
                    (failure.fault.status(interpreter.is_some()), NOT_STARTED)
                }
            }
        };
        let end_ns = clock::now_ns();
        recorder::stop();
        if loudly && subject.way == Way::Bare && outcome != ENDED {
            let mut message = report::Message::new();
            message.push_str("gontainer: -vs: cannot measure ");
            message.push_escaped(command.words.first().to_bytes());
            message.push_str(": it does not start, or ends with status 125\n");
            report::say(&message);
        }
        if records {
            self.leave_step_times(started_ns);
        }
        self.set_slot(slot, 0, end_ns - begin_ns);
        self.set_slot(slot, 1, started_ns.saturating_sub(begin_ns));
        self.set_slot(slot, 2, outcome);
        process::exit(status)
    }

    /// What each step took in its system calls, by the recorder; the last one until it was done.
    #[inline(never)]
    fn leave_step_times(&self, started_ns: u64) {
        for place in self.step_times {
            place.store(0, Ordering::Relaxed);
        }
        let mut current = [None; 3];
        for record in recorder::records() {
            let Some(current) = current.get_mut(record.side as usize) else { continue };
            match &record.what {
                What::Step(name) => {
                    *current = self.steps.iter().position(|step| *step == Some((record.side, *name)));
                }
                // They wait for the command's start or end, not for the step.
                What::Call(call) if matches!(call.number, nr::RT_SIGTIMEDWAIT | nr::WAIT4 | nr::EXIT_GROUP) => {}
                What::Call(call) if call.number == nr::READ && record.side == Side::Launcher => {}
                What::Call(_) => {
                    let end_ns = record.result().map_or(started_ns, |(end_ns, _)| end_ns);
                    if let Some(place) = current.and_then(|step| self.step_times.get(step)) {
                        place.fetch_add(end_ns.saturating_sub(record.begin_ns), Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// Starts it and waits for its end. None: a signal came, or the start failed, which an earlier one did not.
    #[inline(never)]
    fn sample(&mut self, subject: &Subject) -> Option<Sample> {
        self.spawn(subject, 0, false).ok()?;
        let sample = self.collect()?;
        self.tell_progress();
        self.stop().is_none().then_some(sample)
    }

    /// The slot of a process; of 0, a free one.
    #[inline(never)]
    fn slot_of(&self, process: Pid) -> Option<usize> {
        (0..self.slots.len() / SLOT).find(|slot| self.slot(*slot, 3) == process.0.unsigned_abs().into())
    }

    /// Waits for the end of one that was started.
    #[inline(never)]
    fn collect(&mut self) -> Option<Sample> {
        let (slot, event, usage) = loop {
            let (pid, event, usage) = process::wait_for_usage().ok()?;
            // Who executed us may have left us a child.
            if let Some(slot) = self.slot_of(pid) {
                break (slot, event, usage);
            }
        };
        self.set_slot(slot, 3, 0);
        let process::Event::Exited(status) = event else { return None };
        (self.slot(slot, 2) == ENDED).then_some(Sample {
            whole_ns: self.slot(slot, 0),
            start_ns: self.slot(slot, 1),
            status: status.unsigned_abs().into(),
            user_us: usage.user_us,
            system_us: usage.system_us,
        })
    }

    /// Where a round through so many begins, and by how many places it goes on: forwards or backwards.
    #[inline(never)]
    fn shuffle(&mut self, count: usize) -> (usize, usize) {
        // xorshift64, Marsaglia 2003
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let random = usize::try_from(self.random >> 33).unwrap_or(0);
        (random / 2 % count, if random.is_multiple_of(2) { 1 } else { count - 1 })
    }

    /// Ours, what it is compared with, and ours with notice of the start, in turns.
    #[inline(never)]
    fn one_by_one(&mut self, samples: &mut Samples, subjects: [Option<Subject>; 3], runs: usize) {
        let warm_until_ns = clock::now_ns() + WARM_UP_NS;
        let mut warm_up = WARM_UP_ROUNDS.min(u32::try_from(runs).unwrap_or(u32::MAX));
        let compares = matches!(subjects, [_, Some(_), _]);
        let mut round = 0;
        while round < runs {
            let mut three = [Sample::default(); 3];
            let (first, step) = self.shuffle(three.len());
            for turn in 0..three.len() {
                let which = (first + turn * step) % three.len();
                if let (Some(Some(subject)), Some(place)) = (subjects.get(which), three.get_mut(which)) {
                    let Some(sample) = self.sample(subject) else { return };
                    *place = sample;
                }
            }
            if warm_up > 0 {
                self.done -= 1;
                warm_up = if clock::now_ns() < warm_until_ns { warm_up - 1 } else { 0 };
                samples.warm_up += 1;
                continue;
            }
            round += 1;
            let [ours, theirs, noticed] = three;
            let [our_side, their_side] = &mut samples.sides;
            our_side.keep(&ours, noticed.start_ns);
            if compares {
                their_side.keep(&theirs, theirs.start_ns);
            }
        }
    }

    /// One start that is recorded.
    #[inline(never)]
    fn record(&mut self, samples: &mut Samples, subject: &Subject) {
        if self.stop().is_some() || self.sample(subject).is_none() {
            return;
        }
        for (step, time) in self.step_times.iter().enumerate().take(self.steps.len()) {
            samples.step_times.set(step, time.load(Ordering::Relaxed));
        }
        samples.step_times.used += 1;
    }

    /// The start as it is, and without each of the flags, in turns.
    #[inline(never)]
    fn compare_variants(&mut self, samples: &mut Samples, asked: &Bench, container: &Subject, rounds: usize) {
        for variant in asked.variants {
            let subject = Subject { config: &variant.config, command: &variant.command, way: Way::Container };
            variant.starts.set(self.tries(&subject, false).unwrap_or(false));
        }
        let count = asked.variants.len() + 1;
        for _ in 0..rounds {
            let (first, step) = self.shuffle(count);
            for turn in 0..count {
                let which = (first + turn * step) % count;
                let mut subject = *container;
                if let Some(variant) = which.checked_sub(1).and_then(|which| asked.variants.get(which)) {
                    if !variant.starts.get() {
                        continue;
                    }
                    subject = Subject { config: &variant.config, command: &variant.command, way: Way::Container };
                }
                let Some(sample) = self.sample(&subject) else { return };
                samples.variants.set(which, sample.whole_ns);
                if subject.config.wants_net() {
                    clock::sleep_ms(DRAIN_MS);
                }
            }
            samples.variants.used += 1;
        }
    }

    /// So many, `jobs` of them at any time.
    fn at_a_time(&mut self, side: &mut Starts, subject: &Subject, runs: usize, jobs: usize) {
        let begin_ns = clock::now_ns();
        let (mut begun, mut flying) = (0, 0);
        loop {
            if flying < jobs && begun < runs && self.stop().is_none() {
                // A limit on processes is no end: when one has ended, there is room again.
                if let Some(Ok(_)) = self.slot_of(Pid(0)).map(|free| self.spawn(subject, free, false)) {
                    (begun, flying) = (begun + 1, flying + 1);
                    continue;
                }
            }
            if flying == 0 {
                break;
            }
            let sample = self.collect();
            flying -= 1;
            if let Some(sample) = sample {
                side.keep(&sample, sample.start_ns);
            }
            self.tell_progress();
        }
        side.elapsed_ns = clock::now_ns() - begin_ns;
    }

    /// One more is done. On a terminal, a line says so, ten times a second.
    fn tell_progress(&mut self) {
        self.done += 1;
        let now_ns = clock::now_ns();
        if self.shows_progress && now_ns - self.shown_ns > 100_000_000 {
            self.shown_ns = now_ns;
            let mut line = Text::<128>::new();
            line.push(b"\r").push_number(self.done).push(b" of ").push_number(self.planned.max(self.done));
            line.push(b" starts; Ctrl-C ends it here\x1b[K");
            let _ = file::write(2, line.as_bytes());
        }
    }

    #[inline(never)]
    fn end_progress(&self) {
        if self.shown_ns > 0 {
            let _ = file::write(2, b"\r\x1b[K");
        }
    }
}
