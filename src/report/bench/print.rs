//! What `-bench` says: a table for people, or what hyperfine exports.

use super::Bench;
use super::measure::Samples;
use super::statistics::{Noise, Summary, deviation, difference, histogram, mean, noise, ratio, summary};
use crate::report::{Message, calls, name_of_side};
use crate::sys::{Words, file, process, uts};
use crate::text::{Text, width};

/// Widest terminal whose whole width a histogram takes.
const WIDEST: usize = 300;

/// The longest of a side and a step, and a blank.
const NAME_COLUMNS: usize = 52;

/// Standard output, written in pieces.
struct Sheet<'a> {
    text: Message,
    /// Whether all was taken so far.
    arrives: bool,
    scratch: &'a mut [u64],
}

impl Sheet<'_> {
    /// Writes what has come together, if it is much.
    #[inline(never)]
    fn flush(&mut self, even_little: bool) {
        if even_little || self.text.as_bytes().len() > 1024 {
            self.arrives &= file::write_all(1, self.text.as_bytes());
            self.text.clear();
        }
    }

    #[inline(never)]
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.flush(false);
    }

    /// A text, in which `#N` stands for the next of the numbers, the last N digits of which are decimals.
    #[inline(never)]
    fn say(&mut self, template: &str, numbers: &[u64]) {
        let mut numbers = numbers.iter();
        let mut letters = template.bytes();
        while let Some(letter) = letters.next() {
            if letter == b'#' {
                let decimals = letters.next().unwrap_or_default().wrapping_sub(b'0');
                self.text.push_fixed(numbers.next().copied().unwrap_or(0), decimals.into());
            } else {
                self.text.push(&[letter]);
            }
        }
        self.flush(false);
    }

    /// Microseconds with one decimal, right-aligned.
    #[inline(never)]
    fn micros(&mut self, ns: i64) {
        let mut number = Text::<32>::new();
        number.push(if ns < -50 { b"-" } else { b"" }).push_fixed(ns.unsigned_abs().saturating_add(50) / 100, 1);
        self.text.pad(10_usize.saturating_sub(number.as_bytes().len())).push(number.as_bytes());
    }

    /// A name, and blanks up to the column's end.
    #[inline(never)]
    fn column(&mut self, name: &[u8], columns: usize) {
        self.text.push(name).pad(columns.saturating_sub(width(name)));
    }

    /// A line of the table; nothing if there is nothing to say.
    #[inline(never)]
    fn row(&mut self, name: &[u8], samples: &[u64]) {
        let of = summary(samples, self.scratch);
        if of.max > 0 {
            self.column(name, NAME_COLUMNS);
            for ns in of.all() {
                self.micros(ns.cast_signed());
            }
            self.put("\n");
        }
    }

    #[inline(never)]
    fn heading(&mut self, name: &str) {
        self.put("\n");
        self.column(name.as_bytes(), NAME_COLUMNS);
        self.put("       min    median       p90       p99       max\n");
    }

    /// Words with blanks between, as a terminal or as JSON takes them.
    #[inline(never)]
    fn words(&mut self, words: Words, json: bool) {
        for (index, word) in words.enumerate() {
            self.put(if index > 0 { " " } else { "" });
            let bytes = word.bytes();
            let bytes = bytes.get(..128).unwrap_or(bytes); // as JSON six times as much, behind what waits
            if json {
                push_json(&mut self.text, bytes);
            } else {
                self.text.push_escaped(bytes);
            }
        }
        self.flush(false);
    }

    /// Numbers with commas between.
    #[inline(never)]
    fn list(&mut self, values: &[u64], template: &str) {
        for (index, value) in values.iter().enumerate() {
            self.put(if index > 0 { ", " } else { "" });
            self.say(template, &[*value]);
        }
    }

    /// A summary as a JSON object.
    #[inline(never)]
    fn object(&mut self, samples: &[u64]) {
        let of = summary(samples, self.scratch);
        self.say("{\"min\": #9, \"median\": #9, \"p90\": #9, \"p99\": #9, \"max\": #9}", &of.all());
    }
}

/// Prints all of it.
#[inline(never)]
pub(super) fn print(asked: &Bench, samples: &mut Samples) -> bool {
    let scratch = core::mem::take(&mut samples.scratch);
    let mut sheet = Sheet { text: Message::new(), arrives: true, scratch };
    if asked.config.json {
        json(&mut sheet, asked, samples);
    } else {
        table(&mut sheet, asked, samples);
    }
    sheet.flush(true);
    sheet.arrives
}

/// Both whole lives' ratio, pair by pair, and both starts'.
#[inline(never)]
fn ratios(sheet: &mut Sheet, samples: &Samples) -> [u64; 2] {
    let [ours, theirs] = &samples.sides;
    [(&ours.start, &theirs.start), (&ours.whole, &theirs.whole)]
        .map(|(ours, theirs)| ratio(ours.samples(), theirs.samples(), sheet.scratch))
}

/// For people.
#[inline(never)]
fn table(sheet: &mut Sheet, asked: &Bench, samples: &Samples) {
    head(sheet, asked, samples);
    let names = if asked.programs.is_some() { ["gontainer", "the other"] } else { ["the container", "the floor"] };
    let [(ours, ours_start), (theirs, floor_start)] =
        samples.sides.each_ref().map(|side| (side.whole.samples(), side.start.samples()));
    let ratios = ratios(sheet, samples);
    let [_, whole_ratio] = ratios;
    if asked.programs.is_some() || asked.config.jobs > 1 {
        sheet.heading("µs, the whole process");
        for (name, side) in names.iter().zip(&samples.sides) {
            sheet.row(name.as_bytes(), side.whole.samples());
            if let Some(per_second) = side.tenths_per_second() {
                sheet.put(name);
                sheet.say(": #1 a second, #0 at a time\n", &[per_second, asked.config.jobs.into()]);
            }
        }
        if let Some([_, other]) = &asked.programs {
            sheet.put("the other: ");
            sheet.words(other.words, false);
            sheet.say("\ngontainer takes #3 times as long (median of the pairs)\n", &[whole_ratio]);
        }
    } else {
        sheet.heading("µs");
        sheet.row(b"start: until the command is executed", ours_start);
        sheet.row(b"whole life: until it is reaped", ours);
        sheet.row(b"floor: start", floor_start);
        sheet.row(b"floor: whole life", theirs);
        if theirs.is_empty() {
            sheet.put("\nNo floor: it cannot, or must not, execute this command.\n");
        } else {
            sheet.say(
                "\nThe floor: one clone with the same namespaces that executes the command (-mnt: after chroot).\n\
                 Pair by pair, the start takes #3 times as long as the floor's, the whole life #3 times (medians).\n",
                &ratios,
            );
        }
    }
    let codes = samples.sides.iter().flat_map(|side| side.codes.samples());
    let failed = codes.filter(|code| **code != 0).count() as u64;
    if failed > 0 {
        sheet.say("#0 commands ended with another exit status than 0.\n", &[failed]);
    }
    histograms(sheet, names, [ours, theirs]);
    steps(sheet, samples);
    costs(sheet, asked, samples);
    match noise(ours, sheet.scratch).or(noise(theirs, sheet.scratch)) {
        Some(Noise::Scattered(tail)) => {
            sheet.say("\nThe machine was busy: one in ten took #3 times the median or more.\n", &[tail]);
        }
        Some(Noise::Unsteady(apart)) => {
            sheet.say("\nThe machine was busy: the medians of odd and even samples are #1 % apart.\n", &[apart]);
        }
        None => {}
    }
}

/// What was measured, and on what.
#[inline(never)]
fn head(sheet: &mut Sheet, asked: &Bench, samples: &Samples) {
    sheet.put(env!("GONTAINER_VERSION"));
    if let Ok(names) = uts::names() {
        sheet.text.push(b", Linux ").push_escaped(names.release());
    }
    sheet.say(", #0 CPUs\nnew namespaces: ", &[process::cpu_count()]);
    let mut namespaces = Text::<128>::new();
    calls::write_namespaces(&mut namespaces, asked.config.namespaces(), b" ");
    sheet.text.push(namespaces.as_bytes()).push(b"; command: ");
    if asked.config.no_command {
        sheet.put("a built-in one that does nothing");
    } else {
        sheet.words(asked.command.words, false);
    }
    let [ours, _] = &samples.sides;
    let counts = [ours.whole.samples().len() as u64, samples.warm_up];
    sheet.say(
        if samples.warm_up > 0 { "\n#0 starts of each, after #0 to warm up\n" } else { "\n#0 starts of each\n" },
        &counts,
    );
}

/// How the whole lives spread, ours and the other's on one scale, as wide as the terminal.
#[inline(never)]
fn histograms(sheet: &mut Sheet, names: [&str; 2], both: [&[u64]; 2]) {
    const ROWS: u32 = 3;
    let columns = file::columns(1).ok().filter(|columns| *columns > 0).unwrap_or(80).min(WIDEST);
    let (mut low, mut high) = (u64::MAX, 0);
    for series in both.iter().filter(|series| !series.is_empty()) {
        let of = summary(series, sheet.scratch);
        (low, high) = (low.min(of.min), high.max(of.p99));
    }
    let mut room = [0_u32; WIDEST];
    let Some(buckets) = room.get_mut(..columns) else { return };
    for (name, series) in names.iter().zip(both).filter(|(_, series)| !series.is_empty()) {
        buckets.fill(0);
        histogram(series, low, high, buckets);
        let tallest = buckets.iter().max().copied().unwrap_or(0).max(1);
        sheet.put("\n");
        sheet.put(name);
        for row in (0..ROWS).rev() {
            sheet.put("\n");
            for bucket in buckets.iter() {
                let eighths = u64::from(*bucket) * u64::from(ROWS) * 8;
                let height = u32::try_from(eighths.div_ceil(u64::from(tallest))).unwrap_or(0);
                // From U+2581, a block of one eighth, to U+2588, a full one.
                match u8::try_from(height.saturating_sub(row * 8).min(8)).unwrap_or(0) {
                    0 => sheet.text.push(b" "),
                    part => sheet.text.push(&[0xe2, 0x96, 0x80 + part]),
                };
            }
        }
        sheet.put("\n");
    }
    let mut first = Text::<32>::new();
    first.push_fixed(low / 100, 1).push_str(" µs");
    let mut last = Text::<32>::new();
    last.push_fixed(high / 100, 1).push_str(" µs and more");
    sheet.column(first.as_bytes(), (columns + 1).saturating_sub(last.as_bytes().len())); // one letter takes two bytes
    sheet.text.push(last.as_bytes());
    sheet.put("\n");
}

#[inline(never)]
fn steps(sheet: &mut Sheet, samples: &Samples) {
    if samples.step_times.count() == 0 {
        return;
    }
    sheet.heading("µs in each step's system calls, side by side");
    for (index, step) in samples.steps.iter().enumerate() {
        if let Some((side, name)) = step {
            let mut both = Text::<128>::new();
            both.push_str(name_of_side(*side)).push(b" ").push(name.bytes());
            sheet.row(both.as_bytes(), samples.step_times.samples(index));
        }
    }
    let count = [samples.step_times.count() as u64];
    sheet.say("(#0 more starts were recorded; the time that it takes is not counted)\n", &count);
}

#[inline(never)]
fn costs(sheet: &mut Sheet, asked: &Bench, samples: &Samples) {
    if samples.variants.count() == 0 {
        return;
    }
    sheet.put("\nµs that each flag adds to the whole life\n");
    for (index, variant) in asked.variants.iter().enumerate() {
        let mut name = Text::<128>::new();
        name.push_escaped(variant.flag.to_bytes());
        sheet.column(name.as_bytes(), NAME_COLUMNS + 10);
        if variant.starts.get() {
            let [with, without] = [0, index + 1].map(|which| samples.variants.samples(which));
            let adds = difference(with, without, sheet.scratch);
            sheet.micros(adds);
            sheet.put("\n");
        } else {
            sheet.put("  nothing starts without it\n");
        }
    }
    let count = [samples.variants.count() as u64];
    sheet.say("(against a start without that flag, median of #0 pairs)\n", &count);
}

/// What `hyperfine --export-json` writes, in seconds; and ours: what hyperfine does not know.
#[inline(never)]
fn json(sheet: &mut Sheet, asked: &Bench, samples: &Samples) {
    let mut between = "{\n  \"results\": [";
    for (index, side) in samples.sides.iter().enumerate() {
        let times = side.whole.samples();
        let count @ 1.. = times.len() as u64 else { continue };
        sheet.put(between);
        sheet.put("\n    {\n      \"command\": \"");
        match (index, &asked.programs) {
            (0, _) => sheet.words(asked.words, true),
            (_, Some([_, other])) => sheet.words(other.words, true),
            _ => sheet.put("floor"),
        }
        let each = |total: u64| total.saturating_mul(1000) / count;
        let Summary { min, median, max, .. } = summary(times, sheet.scratch);
        sheet.say(
            "\",\n      \"mean\": #9,\n      \"stddev\": #9,\n      \"median\": #9,\n      \"user\": #9,\n      \
             \"system\": #9,\n      \"min\": #9,\n      \"max\": #9,\n      \"times\": [",
            &[mean(times), deviation(times), median, each(side.user_us), each(side.system_us), min, max],
        );
        sheet.list(times, "#9");
        sheet.put("],\n      \"exit_codes\": [");
        sheet.list(side.codes.samples(), "#0");
        sheet.put("],\n      \"start\": ");
        sheet.object(side.start.samples());
        if let Some(per_second) = side.tenths_per_second() {
            sheet.say(",\n      \"per_second\": #1", &[per_second]);
        }
        sheet.put("\n    }");
        between = ",";
    }
    let ratios = ratios(sheet, samples);
    sheet.say("\n  ],\n  \"start_ratio\": #3,\n  \"whole_ratio\": #3,\n  \"steps\": [", &ratios);
    between = "";
    for (index, step) in samples.steps.iter().enumerate() {
        if let Some((side, name)) = step {
            sheet.put(between);
            sheet.put("\n    {\"who\": \"");
            sheet.put(name_of_side(*side).trim_ascii_end());
            sheet.put("\", \"step\": \"");
            sheet.text.push(name.bytes());
            sheet.put("\", \"time\": ");
            sheet.object(samples.step_times.samples(index));
            sheet.put("}");
            between = ",";
        }
    }
    sheet.put("\n  ]\n}\n");
}

/// The inside of a JSON string, RFC 8259; what is no UTF-8 becomes U+FFFD.
#[inline(never)]
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
