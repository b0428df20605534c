//! What `-bench` says: a table for people, or what hyperfine exports.

use super::Bench;
use super::measure::Samples;
use super::statistics::{Noise, Summary, deviation, difference, histogram, mean, noise, ratio, summary};
use crate::report::{Message, calls, name_of_side};
use crate::sys::{Words, file, process, uts};
use crate::text::Text;

/// More steps and flags than a start has.
const MOST: usize = 96;

/// Widest terminal whose whole width a histogram takes.
const WIDEST: usize = 300;

/// All that follows from the samples.
pub(super) struct Findings {
    /// Ours and the other's.
    start: [Summary; 2],
    whole: [Summary; 2],
    /// Thousandths of the other's, pair by pair.
    start_ratio: u64,
    whole_ratio: u64,
    steps: [Summary; MOST],
    /// What each flag adds, pair by pair.
    costs: [i64; MOST],
    noise: Option<Noise>,
    /// How many commands ended with another status than 0.
    failed: usize,
}

pub(super) fn compute(asked: &Bench, samples: &mut Samples) -> Findings {
    let scratch = core::mem::take(&mut samples.scratch);
    let mut found = Findings {
        start: [Summary::default(); 2],
        whole: [Summary::default(); 2],
        start_ratio: 0,
        whole_ratio: 0,
        steps: [Summary::default(); MOST],
        costs: [0; MOST],
        noise: None,
        failed: 0,
    };
    for (of, series) in [(&mut found.start, &samples.start), (&mut found.whole, &samples.whole)] {
        for (summarised, series) in of.iter_mut().zip(series) {
            *summarised = summary(series.samples(), scratch);
        }
    }
    let [our_start, their_start] = &samples.start;
    let [ours, theirs] = &samples.whole;
    found.start_ratio = ratio(our_start.samples(), their_start.samples(), scratch);
    found.whole_ratio = ratio(ours.samples(), theirs.samples(), scratch);
    for (step, summarised) in found.steps.iter_mut().enumerate().take(samples.steps.len()) {
        *summarised = summary(samples.step_times.samples(step), scratch);
    }
    for (flag, cost) in found.costs.iter_mut().enumerate().take(asked.variants.len()) {
        *cost = difference(samples.variants.samples(0), samples.variants.samples(flag + 1), scratch);
    }
    found.noise = [theirs, ours].iter().find_map(|series| noise(series.samples(), scratch));
    let codes = samples.codes.iter().flat_map(|series| series.samples());
    found.failed = codes.filter(|code| **code != 0).count();
    samples.scratch = scratch;
    found
}

/// Standard output, written in pieces.
struct Sheet {
    text: Message,
}

impl Sheet {
    /// Writes what has come together, if it is much.
    fn flush(&mut self, even_little: bool) {
        if even_little || self.text.as_bytes().len() > 1024 {
            let mut rest = self.text.as_bytes();
            while let Ok(taken @ 1..) = file::write(1, rest) {
                rest = rest.get(taken..).unwrap_or_default();
            }
            self.text = Message::new();
        }
    }

    fn say(&mut self, text: &str) -> &mut Sheet {
        self.text.push_str(text);
        self.flush(false);
        self
    }

    fn number(&mut self, number: u64) -> &mut Sheet {
        self.text.push_number(number);
        self
    }

    fn fixed(&mut self, number: u64, decimals: u32) -> &mut Sheet {
        self.text.push_fixed(number, decimals);
        self
    }

    /// What is left of a column that began at `start`.
    fn pad(&mut self, letters: usize, columns: usize) -> &mut Sheet {
        for _ in letters..columns {
            self.text.push(b" ");
        }
        self
    }

    /// Microseconds with one decimal, right-aligned.
    fn micros(&mut self, ns: i64) -> &mut Sheet {
        let mut number = Text::<24>::new();
        number.push(if ns < -50 { b"-" } else { b"" }).push_fixed(ns.unsigned_abs().saturating_add(50) / 100, 1);
        self.pad(number.as_bytes().len(), 10).text.push(number.as_bytes());
        self
    }

    /// A line of the table.
    fn row(&mut self, name: &str, of: &Summary) {
        let letters = name.chars().count();
        self.say(name).pad(letters, NAME_COLUMNS);
        for ns in [of.min, of.median, of.p90, of.p99, of.max] {
            self.micros(ns.cast_signed());
        }
        self.say("\n");
    }

    fn heading(&mut self, name: &str) {
        self.say("\n").say(name).pad(name.chars().count(), NAME_COLUMNS);
        self.say("       min    median       p90       p99       max\n");
    }

    /// Words with blanks between.
    fn words(&mut self, words: Words, push: fn(&mut Message, &[u8])) -> &mut Sheet {
        for (index, word) in words.enumerate() {
            self.say(if index > 0 { " " } else { "" });
            push(&mut self.text, word.to_bytes().get(..256).unwrap_or(word.to_bytes()));
        }
        self.flush(false);
        self
    }
}

const NAME_COLUMNS: usize = 44;

/// What is compared: ours and the other's.
fn names(asked: &Bench) -> [&'static str; 2] {
    if asked.programs.is_some() { ["gontainer", "the other"] } else { ["the container", "the floor"] }
}

/// For people.
pub(super) fn table(asked: &Bench, samples: &Samples, found: &Findings) {
    let mut sheet = Sheet { text: Message::new() };
    head(&mut sheet, asked, samples);
    let names = names(asked);
    let [ours, theirs] = &samples.whole;
    let compared = !theirs.samples().is_empty();
    if let Some([_, other]) = &asked.programs {
        sheet.heading("µs, the whole process");
        for (name, of) in names.iter().zip(&found.whole) {
            sheet.row(name, of);
        }
        sheet.say("the other: ").words(other.words, |text, word| _ = text.push_escaped(word)).say("\n");
        sheet.say("gontainer takes ").fixed(found.whole_ratio, 3).say(" times as long (median of the pairs)\n");
    } else if asked.config.jobs > 1 {
        sheet.heading("µs, with others at the same time");
        for (name, of) in names.iter().zip(&found.whole).take(1 + usize::from(compared)) {
            sheet.row(name, of);
        }
        for ((name, series), elapsed_ns) in names.iter().zip(&samples.whole).zip(samples.elapsed_ns) {
            let count = series.samples().len() as u64;
            if count > 0 {
                let per_second = count.saturating_mul(10_000_000_000) / elapsed_ns.max(1);
                sheet.say(name).say(": ").fixed(per_second, 1).say(" a second, ").number(asked.config.jobs.into());
                sheet.say(" at a time\n");
            }
        }
    } else {
        sheet.heading("µs");
        let [start, floor_start] = &found.start;
        let [whole, floor_whole] = &found.whole;
        sheet.row("start: until the command is executed", start);
        sheet.row("whole life: until it is reaped", whole);
        if compared {
            sheet.row("floor: start", floor_start);
            sheet.row("floor: whole life", floor_whole);
            sheet.say(
                "\nThe floor is one clone with the same namespaces that executes the same command, and nothing else.\n",
            );
            sheet
                .say("Pair by pair, the start takes ")
                .fixed(found.start_ratio, 3)
                .say(" times as long as the floor's, ");
            sheet.say("the whole life ").fixed(found.whole_ratio, 3).say(" times (medians).\n");
        } else {
            sheet.say("\nThere is no floor to compare with: a bare clone cannot execute this command here.\n");
        }
    }
    if found.failed > 0 {
        sheet.number(found.failed as u64).say(" commands ended with another exit status than 0.\n");
    }
    histograms(&mut sheet, asked, samples, found);
    steps(&mut sheet, samples, found);
    costs(&mut sheet, asked, samples, found);
    if let Some(noise) = found.noise {
        sheet.say("\nDo not believe this too much: the machine was not quiet. ");
        match noise {
            Noise::Scattered(tail) => sheet.say("One in ten took ").fixed(tail, 3).say(" times the median or more.\n"),
            Noise::Unsteady(apart) => {
                sheet.say("The medians of every other sample differ by ").fixed(apart, 1).say(" %.\n")
            }
        };
    }
    if ours.samples().len() < asked.config.runs as usize {
        sheet.say("\nEnded early: fewer were measured than asked for.\n");
    }
    sheet.flush(true);
}

/// What was measured, and on what.
fn head(sheet: &mut Sheet, asked: &Bench, samples: &Samples) {
    sheet.say(env!("GONTAINER_VERSION"));
    if let Ok(names) = uts::names() {
        sheet.say(", Linux ").text.push_escaped(names.release());
    }
    sheet.say(", ").number(process::cpu_count()).say(" CPUs\nnew namespaces: ");
    let mut namespaces = Text::<96>::new();
    calls::write_namespaces(&mut namespaces, asked.config.namespaces(), b" ");
    sheet.text.push(namespaces.as_bytes());
    sheet.say("; command: ");
    if asked.config.no_command {
        sheet.say("a built-in one that does nothing");
    } else {
        sheet.words(asked.command.words, |text, word| _ = text.push_escaped(word));
    }
    let [ours, _] = &samples.whole;
    sheet.say("\n").number(ours.samples().len() as u64).say(" starts of each");
    if samples.warm_up > 0 {
        sheet.say(", after ").number(samples.warm_up).say(" to warm up");
    }
    sheet.say("\n");
}

/// How the whole lives spread, ours and the other's on one scale, as wide as the terminal.
fn histograms(sheet: &mut Sheet, asked: &Bench, samples: &Samples, found: &Findings) {
    const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ROWS: u32 = 3;
    let columns = file::columns(1).ok().filter(|columns| *columns > 0).unwrap_or(80);
    let used = || found.whole.iter().filter(|of| of.max > 0);
    let (low, high) = (used().map(|of| of.min).min().unwrap_or(0), used().map(|of| of.p99).max().unwrap_or(0));
    let mut room = [0_u32; WIDEST];
    let Some(buckets) = room.get_mut(..columns.min(WIDEST)) else { return };
    for (name, series) in names(asked).iter().zip(&samples.whole) {
        if series.samples().is_empty() {
            continue;
        }
        buckets.fill(0);
        histogram(series.samples(), low, high, buckets);
        let tallest = buckets.iter().max().copied().unwrap_or(0).max(1);
        sheet.say("\n").say(name).say("\n");
        for row in (0..ROWS).rev() {
            for bucket in buckets.iter() {
                let eighths = u64::from(*bucket) * u64::from(ROWS) * 8;
                let height = u32::try_from(eighths.div_ceil(u64::from(tallest))).unwrap_or(0);
                let part = usize::try_from(height.saturating_sub(row * 8).min(8)).unwrap_or(0);
                sheet.say(BLOCKS.get(part).copied().unwrap_or_default());
            }
            sheet.say("\n");
        }
    }
    let mut last = Text::<24>::new();
    last.push_fixed(high / 100, 1).push(" µs and more".as_bytes());
    let mut first = Text::<24>::new();
    first.push_fixed(low / 100, 1).push(" µs".as_bytes());
    sheet.text.push(first.as_bytes());
    // One letter of each takes two bytes.
    sheet.pad(first.as_bytes().len() + last.as_bytes().len() - 2, columns.min(WIDEST)).text.push(last.as_bytes());
    sheet.say("\n");
}

fn steps(sheet: &mut Sheet, samples: &Samples, found: &Findings) {
    if samples.step_times.count() == 0 {
        return;
    }
    sheet.heading("µs in each step's system calls, side by side");
    for (step, of) in samples.steps.iter().zip(&found.steps).filter(|(_, of)| of.max > 0) {
        if let Some((side, name)) = step {
            let mut both = Text::<96>::new();
            both.push_str(name_of_side(*side)).push(b" ").push_str(name);
            sheet.row(core::str::from_utf8(both.as_bytes()).unwrap_or_default(), of);
        }
    }
    sheet.say("(in ").number(samples.step_times.count() as u64);
    sheet.say(" more starts, which were recorded: that takes time of its own, not counted here)\n");
}

fn costs(sheet: &mut Sheet, asked: &Bench, samples: &Samples, found: &Findings) {
    if samples.variants.count() == 0 {
        return;
    }
    sheet.say("\nµs that each flag adds to the whole life\n");
    for (variant, cost) in asked.variants.iter().zip(&found.costs) {
        let mut name = Text::<96>::new();
        name.push_escaped(variant.flag.to_bytes());
        let letters = name.as_bytes().iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        sheet.text.push(name.as_bytes());
        sheet.pad(letters, NAME_COLUMNS + 10);
        if variant.starts.get() {
            sheet.micros(*cost).say("\n");
        } else {
            sheet.say("  nothing starts without it\n");
        }
    }
    sheet.say("(against the same start without that flag, median of ").number(samples.variants.count() as u64);
    sheet.say(" pairs)\n");
}

/// What `hyperfine --export-json` writes, in seconds; and ours: what hyperfine does not know.
pub(super) fn json(asked: &Bench, samples: &Samples, found: &Findings) {
    let mut sheet = Sheet { text: Message::new() };
    sheet.say("{\n  \"results\": [");
    for (side, series) in samples.whole.iter().enumerate() {
        let times = series.samples();
        let count = times.len() as u64;
        let Some(of) = found.whole.get(side).filter(|_| count > 0) else { continue };
        sheet.say(if side > 0 { ",\n    {\n      \"command\": \"" } else { "\n    {\n      \"command\": \"" });
        match (side, &asked.programs) {
            (0, _) => _ = sheet.words(asked.words, push_json),
            (_, Some([_, other])) => _ = sheet.words(other.words, push_json),
            _ => _ = sheet.say("floor"),
        }
        sheet.say("\"");
        let each = |total: [u64; 2]| total.get(side).copied().unwrap_or(0).saturating_mul(1000) / count;
        for (name, value) in [
            ("mean", mean(times)),
            ("stddev", deviation(times)),
            ("median", of.median),
            ("user", each(samples.user_us)),
            ("system", each(samples.system_us)),
            ("min", of.min),
            ("max", of.max),
        ] {
            sheet.say(",\n      \"").say(name).say("\": ").fixed(value, 9);
        }
        sheet.say(",\n      \"times\": [");
        list(&mut sheet, times, 9);
        sheet.say("],\n      \"exit_codes\": [");
        list(&mut sheet, samples.codes.get(side).map(|codes| codes.samples()).unwrap_or_default(), 0);
        sheet.say("]");
        if let (Some(starts), Some(of)) = (samples.start.get(side), found.start.get(side))
            && asked.programs.is_none()
            && asked.config.jobs == 1
        {
            sheet.say(",\n      \"start\": ");
            object(&mut sheet, of);
            sheet.say(",\n      \"start_times\": [");
            list(&mut sheet, starts.samples(), 9);
            sheet.say("]");
        }
        if let Some(elapsed_ns) = samples.elapsed_ns.get(side).filter(|elapsed_ns| **elapsed_ns > 0) {
            sheet.say(",\n      \"per_second\": ").fixed(count.saturating_mul(10_000_000_000) / elapsed_ns, 1);
        }
        sheet.say("\n    }");
    }
    sheet.say("\n  ],\n  \"version\": \"").say(env!("GONTAINER_VERSION"));
    sheet.say("\",\n  \"jobs\": ").number(asked.config.jobs.into());
    sheet.say(",\n  \"whole_ratio\": ").fixed(found.whole_ratio, 3);
    sheet.say(",\n  \"start_ratio\": ").fixed(found.start_ratio, 3);
    sheet.say(",\n  \"noisy\": ").say(if found.noise.is_some() { "true" } else { "false" });
    sheet.say(",\n  \"steps\": [");
    let mut between = "";
    for (step, of) in samples.steps.iter().zip(&found.steps).filter(|(_, of)| of.max > 0) {
        if let Some((side, name)) = step {
            sheet.say(between).say("\n    {\"who\": \"").say(name_of_side(*side).trim_ascii_end());
            sheet.say("\", \"step\": \"").say(name).say("\", \"time\": ");
            object(&mut sheet, of);
            sheet.say("}");
            between = ",";
        }
    }
    sheet.say("\n  ],\n  \"costs\": [");
    between = "";
    for (variant, cost) in asked.variants.iter().zip(&found.costs).filter(|(variant, _)| variant.starts.get()) {
        sheet.say(between).say("\n    {\"flag\": \"");
        push_json(&mut sheet.text, variant.flag.to_bytes().get(..256).unwrap_or(variant.flag.to_bytes()));
        sheet.say("\", \"adds\": ").say(if *cost < 0 { "-" } else { "" }).fixed(cost.unsigned_abs(), 9).say("}");
        between = ",";
    }
    sheet.say("\n  ]\n}\n").flush(true);
}

fn list(sheet: &mut Sheet, values: &[u64], decimals: u32) {
    for (index, value) in values.iter().enumerate() {
        sheet.say(if index > 0 { ", " } else { "" }).fixed(*value, decimals);
    }
}

fn object(sheet: &mut Sheet, of: &Summary) {
    let pairs = [("min", of.min), ("median", of.median), ("p90", of.p90), ("p99", of.p99), ("max", of.max)];
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        sheet.say(if index > 0 { ", \"" } else { "{\"" }).say(name).say("\": ").fixed(value, 9);
    }
    sheet.say("}");
}

/// The inside of a JSON string, RFC 8259; what is no UTF-8 becomes U+FFFD.
fn push_json(text: &mut Message, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().bytes() {
            match letter {
                b'"' | b'\\' => text.push(&[b'\\', letter]),
                0..0x20 | 0x7f => text.push(b"\\u00").push_hex(letter),
                _ => text.push(&[letter]),
            };
        }
        if !chunk.invalid().is_empty() {
            text.push("\u{fffd}".as_bytes());
        }
    }
}
