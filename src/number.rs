//! Numbers in what people and kernels write: the whole text is one, or it is none.

/// A decimal number: digits only, no sign, no blank, nothing behind.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, digit| {
        let value = digit.checked_sub(b'0').filter(|value| *value <= 9)?;
        sum.checked_mul(10)?.checked_add(value.into())
    })
}

/// A number of bytes: decimal, then maybe `k`, `m` or `g`, for 2^10, 2^20, 2^30.
pub(crate) fn size(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 10),
        [digits @ .., b'm' | b'M'] => (digits, 20),
        [digits @ .., b'g' | b'G'] => (digits, 30),
        digits => (digits, 0),
    };
    decimal(digits)?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_and_nothing_else() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999999", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
            ("0x1", None),
            ("1\n", None),
            ("١", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn a_size_has_at_most_one_unit_and_fits() {
        for (text, bytes) in [
            ("1", Some(1)),
            ("4k", Some(4096)),
            ("4K", Some(4096)),
            ("3m", Some(3 << 20)),
            ("2g", Some(2 << 30)),
            ("17179869183g", Some(17_179_869_183 << 30)),
            ("17179869184g", None),
            ("18014398509481984k", None),
            ("k", None),
            ("", None),
            ("1kb", None),
            ("1kk", None),
            ("1 k", None),
            ("k1", None),
            ("1.5g", None),
            ("1t", None),
        ] {
            assert_eq!(size(text.as_bytes()), bytes, "{text:?}");
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        for shift in 0..u64::BITS {
            for number in [1 << shift, (1_u64 << shift) - 1, u64::MAX >> shift] {
                assert_eq!(decimal(number.to_string().as_bytes()), Some(number));
                for (unit, bits) in [("", 0), ("k", 10), ("m", 20), ("g", 30)] {
                    assert_eq!(size(format!("{number}{unit}").as_bytes()), number.checked_mul(1 << bits));
                }
            }
        }
    }
}
