//! Limits as people write them: pure functions from a flag's value to numbers, each checked for overflow.

use crate::number::{decimal, size};
use crate::text::parts;

/// One limit of setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResourceLimit {
    /// The kernel's number of it.
    pub(crate) resource: usize,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// No limit, `RLIM_INFINITY`.
pub(crate) const UNLIMITED: u64 = u64::MAX;

/// The names of prlimit(1) by the kernel's numbers, which are the same on all architectures here.
pub(crate) const RESOURCES: &str = "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice \
    rtprio rttime";

/// `NAME=SOFT[:HARD]`; one number is both, as in prlimit(1).
pub(crate) fn resource_limit(text: &[u8]) -> Result<ResourceLimit, &'static str> {
    let (name, value) = halves(text, b'=');
    let Some(resource) = parts(RESOURCES.as_bytes(), b' ').position(|known| known.eq_ignore_ascii_case(name)) else {
        return Err("no such limit; prlimit(1) has their names");
    };
    let (soft, hard) = halves(value.unwrap_or_default(), b':');
    // fsize, data, stack, core, rss, memlock, as, msgqueue
    let is_bytes = matches!(resource, 1..=5 | 8 | 9 | 12);
    let number = |text: &[u8]| match text {
        b"unlimited" | b"infinity" => Some(UNLIMITED),
        _ if is_bytes => size(text),
        _ => decimal(text),
    };
    let (Some(soft), Some(hard)) = (number(soft), number(hard.unwrap_or(soft))) else {
        return Err(if is_bytes {
            "needs a size, as in 64m or 16m:64m, or unlimited"
        } else {
            "needs a number, as in 64 or 16:64, or unlimited"
        });
    };
    if soft > hard {
        return Err("the soft limit must not be above the hard one");
    }
    Ok(ResourceLimit { resource, soft, hard })
}

/// What stands before the first `mark`, and what stands behind it if there is one.
fn halves(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

/// A decimal fraction times ten to the `places`: digits, then maybe a point and at most so many more.
fn fixed(text: &[u8], places: u32) -> Option<u64> {
    let (whole, fraction) = halves(text, b'.');
    let scale = 10_u64.checked_pow(places)?;
    let whole = decimal(whole)?.checked_mul(scale)?;
    let Some(fraction) = fraction else { return Some(whole) };
    let missing = places.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    decimal(fraction)?.checked_mul(10_u64.checked_pow(missing)?)?.checked_add(whole)
}

/// A time in nanoseconds: `500ms`, `5s`, `1.5m`, `2h`; a bare number is seconds. No time at all is none.
pub(crate) fn duration_ns(text: &[u8]) -> Option<u64> {
    let (number, places, times) = match text {
        [number @ .., b'm', b's'] => (number, 6, 1),
        [number @ .., b's'] => (number, 9, 1),
        [number @ .., b'm'] => (number, 9, 60),
        [number @ .., b'h'] => (number, 9, 3600),
        number => (number, 9, 1),
    };
    fixed(number, places)?.checked_mul(times).filter(|time| *time > 0)
}

/// Bytes for all of a container. Less could run out within execve(2), while the process still stands on the
/// launcher's memory, and the kernel would kill the launcher with it: arguments and environment alone may take 6 MiB
/// (bprm_stack_limits in fs/exec.c).
pub(crate) fn memory(text: &[u8]) -> Option<u64> {
    size(text).filter(|bytes| *bytes >= 8 << 20)
}

/// Processors in hundred-thousandths; a hundredth of one is the least that the kernel takes.
pub(crate) fn cpus(text: &[u8]) -> Option<u64> {
    fixed(text, 5).filter(|cpus| *cpus >= 1000)
}

/// Processes: one at least.
pub(crate) fn pids(text: &[u8]) -> Option<u64> {
    decimal(text).filter(|pids| *pids > 0)
}

/// A whole number with maybe a minus sign before it, between these two.
pub(crate) fn between(text: &[u8], least: i32, most: i32) -> Option<i32> {
    let (digits, sign) = match text {
        [b'-', digits @ ..] => (digits, -1),
        digits => (digits, 1),
    };
    let number = i32::try_from(decimal(digits)?).ok()?.checked_mul(sign)?;
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that goes wrong should stop")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(text: &str) -> Result<(&'static str, u64, u64), &'static str> {
        let limit = resource_limit(text.as_bytes())?;
        Ok((RESOURCES.split(' ').nth(limit.resource).unwrap_or(""), limit.soft, limit.hard))
    }

    #[test]
    fn a_limit_has_a_name_and_one_number_or_two() {
        assert_eq!(limit("nofile=64"), Ok(("nofile", 64, 64)));
        assert_eq!(limit("nofile=64:128"), Ok(("nofile", 64, 128)));
        assert_eq!(limit("as=1g"), Ok(("as", 1 << 30, 1 << 30)));
        assert_eq!(limit("NOFILE=64"), Ok(("nofile", 64, 64)), "as prlimit(1) prints them");
        assert_eq!(limit("core=0:unlimited"), Ok(("core", 0, UNLIMITED)));
        assert_eq!(limit("stack=infinity"), Ok(("stack", UNLIMITED, UNLIMITED)));
        assert_eq!(limit("nofile=128:64"), Err("the soft limit must not be above the hard one"));
        assert_eq!(limit("nofile=unlimited:64"), Err("the soft limit must not be above the hard one"));
        for text in
            ["nofile=1k", "nofile=", "nofile", "nofile=:64", "nofile=64:", "nofile=1:2:3", "nofile=-1", "cpu=1s"]
        {
            assert_eq!(limit(text), Err("needs a number, as in 64 or 16:64, or unlimited"), "{text}");
        }
        for text in ["as=1t", "as=", "as=17179869184g", "as=1.5g"] {
            assert_eq!(limit(text), Err("needs a size, as in 64m or 16m:64m, or unlimited"), "{text}");
        }
        for text in ["", "=64", "NO_FILE=64", "nofiles=64", "open=64"] {
            assert!(limit(text).is_err_and(|what| what.contains("prlimit(1)")), "{text}");
        }
    }

    #[test]
    fn what_is_counted_in_bytes_takes_a_size() {
        for name in RESOURCES.split(' ') {
            let is_bytes = ["as", "core", "data", "fsize", "memlock", "msgqueue", "rss", "stack"].contains(&name);
            assert_eq!(limit(&format!("{name}=1k")).is_ok(), is_bytes, "{name}");
        }
    }

    #[test]
    fn resources_stand_at_the_kernels_numbers() {
        for (number, name) in [
            (libc::RLIMIT_CPU, "cpu"),
            (libc::RLIMIT_STACK, "stack"),
            (libc::RLIMIT_NOFILE, "nofile"),
            (libc::RLIMIT_AS, "as"),
            (libc::RLIMIT_RTTIME, "rttime"),
        ] {
            assert_eq!(RESOURCES.split(' ').nth(number as usize), Some(name));
        }
    }

    #[test]
    fn a_time_has_at_most_one_unit_and_nanoseconds() {
        for (text, time) in [
            ("5s", Some(5_000_000_000)),
            ("5", Some(5_000_000_000)),
            ("500ms", Some(500_000_000)),
            ("2m", Some(120_000_000_000)),
            ("1h", Some(3_600_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            ("0.000000001", Some(1)),
            ("0.000001ms", Some(1)),
            ("0.0000000001", None),
            ("0.0000001ms", None),
            ("18446744073.709551615", Some(u64::MAX)),
            ("18446744073.709551616", None),
            ("18446744074", None),
            ("5124095h", Some(5_124_095 * 3_600_000_000_000)),
            ("5124096h", None),
            ("0", None),
            ("0.0s", None),
            ("", None),
            ("s", None),
            ("1.", None),
            (".5", None),
            ("1..5", None),
            ("1.-5", None),
            ("-1", None),
            ("1 s", None),
            ("1d", None),
            ("1sm", None),
            ("inf", None),
        ] {
            assert_eq!(duration_ns(text.as_bytes()), time, "{text:?}");
        }
    }

    #[test]
    fn processors_are_exact_to_a_hundred_thousandth() {
        for (text, cpus_wanted) in [
            ("1", Some(100_000)),
            ("1.5", Some(150_000)),
            ("0.01", Some(1000)),
            ("1.00001", Some(100_001)),
            ("1.000001", None),
            ("0.00999", None),
            ("0", None),
            ("184467440737095", Some(18_446_744_073_709_500_000)),
            ("184467440737096", None),
            ("", None),
            (".5", None),
            ("1,5", None),
            ("1e3", None),
            ("inf", None),
            ("-1", None),
        ] {
            assert_eq!(cpus(text.as_bytes()), cpus_wanted, "{text:?}");
        }
    }

    #[test]
    fn memory_and_processes_are_not_none() {
        assert_eq!(
            (memory(b"8m"), memory(b"8191k"), memory(b"0"), memory(b"2g")),
            (Some(8 << 20), None, None, Some(2 << 30))
        );
        assert_eq!((pids(b"1"), pids(b"0"), pids(b"1k"), pids(b"")), (Some(1), None, None, None));
    }

    #[test]
    fn a_signed_number_keeps_between_its_bounds() {
        for (text, number) in [
            ("-1000", Some(-1000)),
            ("1000", Some(1000)),
            ("-0", Some(0)),
            ("-1001", None),
            ("1001", None),
            ("--1", None),
            ("+1", None),
            ("", None),
            ("-", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(between(text.as_bytes(), -1000, 1000), number, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_is_too_odd_for_the_parsers(text: Vec<u8>) {
            let _ = (resource_limit(&text), duration_ns(&text), between(&text, -20, 19));
            let _ = (memory(&text), cpus(&text), pids(&text));
        }

        #[test]
        fn whatever_looks_like_a_number_is_exact_or_none(text in "[0-9]{1,22}(\\.[0-9]{1,11})?(ms|s|m|h)?") {
            let digits = text.trim_end_matches(['m', 's', 'h']);
            let (per_unit, places) = match text.get(digits.len()..) {
                Some("ms") => (1_000_000_u128, 6),
                Some("m") => (60_000_000_000, 9),
                Some("h") => (3_600_000_000_000, 9),
                _ => (1_000_000_000, 9),
            };
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let exact = (fraction.len() <= places).then(|| {
                let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
                let number = format!("{whole}{fraction}").parse::<u128>().unwrap_or(u128::MAX);
                number.saturating_mul(per_unit) / scale
            });
            let wanted = exact.and_then(|time| u64::try_from(time).ok()).filter(|time| *time > 0);
            prop_assert_eq!(duration_ns(text.as_bytes()), wanted);
        }
    }
}
