//! `-trace` and `-plan`: the steps of a start, one line a call, in the order they happened.

use super::calls;
use crate::config::{Command, Config, EVERY_NAMESPACE};
use crate::launch::Failure;
use crate::sys::recorder::{Call, Record, Side, What, is_full, records};
use crate::sys::{Name, file, number as nr};
use crate::text::{Text, first_part, is_same_word, width};

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// What has happened, with times, on standard error.
    Start,
    /// What would happen, on standard output.
    Plan,
}

/// All lines together.
type Page = Text<{ 64 << 10 }>;
/// The call's part of a line.
type Cell = Text<256>;

/// Where the last column begins, counted in the call's column.
const CALL_WIDTH: usize = 54;

/// Prints what the recorder holds. Returns whether that was taken.
#[cold]
#[inline(never)]
pub(crate) fn trace(
    which: Trace,
    config: &Config,
    command: &Command,
    failure: Option<&Failure>,
    coloured: bool,
) -> bool {
    let mut page = Page::new();
    let ink = if coloured { Ink::COLOURED } else { Ink::PLAIN };
    write_heading(&mut page, config, command);
    page.push_str(ink.faint);
    if which == Trace::Start {
        page.push_str("  at µs    took  ");
    }
    page.push_str("who      call").pad(CALL_WIDTH - 4).push_str("  what for").push_str(ink.end).push_str("\n");
    let start = records().next().map_or(0, |first| first.begin_ns);
    let mut last_step = [Name::of(c""); 3];
    let marked = failure.and_then(failed_call);
    let mut end_ns = start;
    let mut tried = false;
    let mut rest = records().peekable();
    while let Some(record) = rest.next() {
        let What::Call(call) = &record.what else { continue };
        let step = step_of(record);
        let is_the_one = |record| marked.is_some_and(|marked| core::ptr::eq(record, marked));
        let mut is_marked = is_the_one(record);
        // Of many calls that differ in a number only, the first stands for all.
        let (mut until, mut same) = (record, 0);
        while let Some(next) = rest.next_if(|next| repeats(record, call, next)) {
            is_marked |= is_the_one(next);
            until = next;
            same += 1;
        }
        if is_marked || marked.is_none() && call.number == nr::EXECVE {
            end_ns = until.begin_ns;
        }
        if which == Trace::Start {
            write_times(&mut page, ink, record.begin_ns.saturating_sub(start), record, until);
        }
        let mut cell = Cell::new();
        calls::write(&mut cell, record, call);
        if same > 0 {
            cell.push_str(" …(and ").push_number(same).push_str(" more)");
        }
        let failed = write_result(&mut cell, which, until);
        page.push_str(ink.of(record.side)).push_str(name_of_side(record.side)).push_str(ink.end).push_str("  ");
        tried |= failed && !is_marked;
        page.push_str(if is_marked { ink.alarm } else { "" }).push(cell.as_bytes());
        page.push_str(if is_marked { ink.end } else { "" });
        let seen = last_step.get_mut(record.side as usize);
        if seen.as_ref().is_none_or(|seen| **seen != step) {
            page.pad(CALL_WIDTH.saturating_sub(width(cell.as_bytes()))).push_str("  ").push(step.bytes());
        }
        if let Some(seen) = seen {
            *seen = step;
        }
        if is_marked {
            page.push_str("  ").push_str(ink.alarm).push_str("← this is where it failed").push_str(ink.end);
        }
        page.push_str("\n");
    }
    if is_full() {
        page.push_str("(There is no room for more.)\n");
    } else if which == Trace::Start {
        write_end(&mut page, failure, end_ns.saturating_sub(start), tried);
    }
    let fd = if which == Trace::Plan { 1 } else { 2 };
    file::write_all(fd, page.as_bytes())
}

/// The step that a call was made for: the last that its side began before.
#[inline(never)]
pub(super) fn step_of(call: &Record) -> Name {
    records()
        .take_while(|record| !core::ptr::eq(*record, call))
        .filter(|record| record.side == call.side)
        .filter_map(|record| match record.what {
            What::Step(name) => Some(name),
            What::Call(_) => None,
        })
        .last()
        .unwrap_or(Name::of(c""))
}

/// Whether the next record is the same call again, but for a number that counts, or the next place where a
/// command is not.
#[inline(never)]
fn repeats(first: &Record, call: &Call, next: &Record) -> bool {
    let What::Call(next_call) = &next.what else { return false };
    let same = |register: usize| call.registers.get(register) == next_call.registers.get(register);
    match (call.number, next_call.number) {
        (nr::CLOSE, nr::CLOSE) => first.side == next.side,
        (nr::PRCTL, nr::PRCTL) => first.side == next.side && same(0),
        (nr::IOCTL, nr::IOCTL) => same(1),
        (nr::EXECVE, nr::EXECVE | nr::OPENAT) => {
            matches!((first.result(), next.result()), (Some((_, Err(_))), Some((_, Err(_)))))
        }
        _ => false,
    }
}

/// The call by which a start failed: the last of the step that gave this error, best if its name is the one
/// that the message says. An error of our own comes from the step's last call.
#[inline(never)]
fn failed_call(failure: &Failure) -> Option<&'static Record> {
    let said = first_part(failure.fault.call.bytes(), b' ');
    let rank = |record: &'static Record| {
        let What::Call(call) = &record.what else { return None };
        if step_of(record) != failure.step || matches!(call.number, nr::EXIT_GROUP | nr::CLOSE) {
            return None;
        }
        let gave_it = matches!(record.result(), Some((_, Err(errno))) if errno == failure.fault.errno);
        let has_name = calls::name_of(call).windows(said.len().max(1)).any(|part| is_same_word(part, said));
        Some((u8::from(gave_it) * 2 + u8::from(has_name), record))
    };
    records().filter_map(rank).max_by_key(|(rank, _)| *rank).map(|(_, record)| record)
}

/// What is started, and in what.
#[inline(never)]
fn write_heading(page: &mut Page, config: &Config, command: &Command) {
    let made = config.namespaces();
    let name = command.words.first();
    page.push_str("start ").push_escaped(name.to_bytes());
    for (what, kinds) in &[(": new namespaces: ", made), ("; the host's: ", EVERY_NAMESPACE & !made)] {
        let mut names = Text::<128>::new();
        calls::write_namespaces(&mut names, *kinds, b", ");
        page.push_str(what).push(if names.is_empty() { b"none" } else { names.as_bytes() });
    }
    page.push_str("\n");
}

/// What came of it, and how soon.
#[inline(never)]
fn write_end(page: &mut Page, failure: Option<&Failure>, took_ns: u64, tried: bool) {
    if tried {
        page.push_str("(Errors without a mark are expected: the start went on.)\n");
    }
    if took_ns == 0 {
        return; // what was to be the command was killed before
    }
    page.push_str(if failure.is_some() { "failed after " } else { "execve was called after " });
    write_micros(page, took_ns, 0);
    page.push_str(" µs");
    if let Some(failure) = failure {
        page.push_str(": ").push(failure.step.bytes());
    }
    page.push_str("\n");
}

fn write_times(page: &mut Page, ink: Ink, at_ns: u64, first: &Record, last: &Record) {
    page.push_str(ink.faint);
    write_micros(page, at_ns, 7);
    match last.result() {
        Some((end_ns, _)) => write_micros(page, end_ns.saturating_sub(first.begin_ns), 8),
        None => _ = page.push_str("       …"),
    }
    page.push_str(ink.end).push_str("  ");
}

/// Microseconds with one decimal, right-aligned.
fn write_micros(page: &mut Page, ns: u64, columns: usize) {
    let mut number = Text::<32>::new();
    number.push_fixed(ns / 100, 1);
    page.pad(columns.saturating_sub(number.as_bytes().len())).push(number.as_bytes());
}

/// What came of a call, if that says anything. Returns whether it failed.
fn write_result(cell: &mut Cell, which: Trace, record: &Record) -> bool {
    let tells = matches!(&record.what, What::Call(call) if matches!(call.number, nr::CLONE | nr::GETGROUPS));
    match record.result() {
        Some((_, Err(errno))) if which == Trace::Start => {
            cell.push_str(" = ");
            match errno.describe() {
                Some((name, _)) => cell.push_str(name),
                None => cell.push_str("error ").push_number(errno.0.unsigned_abs().into()),
            };
            true
        }
        Some((_, Ok(result))) if which == Trace::Start && tells && result != 0 => {
            cell.push_str(" = ").push_number(result as u64);
            false
        }
        _ => false,
    }
}

pub(super) fn name_of_side(side: Side) -> &'static str {
    match side {
        Side::Launcher => "parent ",
        Side::Child => "child  ",
        Side::Command => "command",
    }
}

/// Escape sequences of ECMA-48, or nothing.
#[derive(Clone, Copy)]
struct Ink {
    faint: &'static str,
    sides: [&'static str; 3],
    alarm: &'static str,
    end: &'static str,
}

impl Ink {
    const PLAIN: Ink = Ink { faint: "", sides: [""; 3], alarm: "", end: "" };
    const COLOURED: Ink =
        Ink { faint: "\x1b[2m", sides: ["\x1b[36m", "\x1b[32m", "\x1b[33m"], alarm: "\x1b[31m", end: "\x1b[0m" };

    fn of(&self, side: Side) -> &'static str {
        self.sides.get(side as usize).copied().unwrap_or_default()
    }
}
