//! Text in a buffer of fixed size: no allocation, so any process may use it.

use core::ffi::CStr;

/// Text of at most N bytes; what does not fit is cut off. Few sizes serve: each has some code of its own.
pub(crate) type Text<const N: usize> = Buffer<[u8; N]>;

/// Bytes, as many of which are text as `len` says. Without a size, the work on texts of all sizes is one code.
pub(crate) struct Buffer<Bytes: ?Sized> {
    len: usize,
    bytes: Bytes,
}

impl<const N: usize> Clone for Text<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize> Copy for Text<N> {}

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Self {
        Buffer { len: 0, bytes: [0; N] }
    }

    /// What has been pushed so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        filled(self)
    }

    /// Takes all of it away, as bytes; read as a C string, what stood behind would come to light.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text up to its first NUL as a C string; None if the buffer was full.
    pub(crate) fn as_c_str(&self) -> Option<&CStr> {
        up_to_nul(&self.bytes)
    }

    /// The same; an empty one if the buffer was full.
    pub(crate) fn c_str_or_empty(&self) -> &CStr {
        up_to_nul_or_empty(&self.bytes)
    }

    /// Adds bytes as they are. Returns itself, so that pushes read as a sentence.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> &mut Self {
        append(self, bytes);
        self
    }

    pub(crate) fn push_str(&mut self, text: &str) -> &mut Self {
        self.push(text.as_bytes())
    }

    /// Adds bytes of the user's or of a foreign tree's: what could steer a terminal is escaped as `\xNN`, UTF-8 stays.
    pub(crate) fn push_escaped(&mut self, bytes: &[u8]) -> &mut Self {
        append_escaped(self, bytes);
        self
    }

    /// Adds a number in decimal.
    pub(crate) fn push_number(&mut self, number: u64) -> &mut Self {
        append_number(self, number);
        self
    }

    /// Adds a byte as two hexadecimal digits.
    pub(crate) fn push_hex(&mut self, byte: u8) -> &mut Self {
        append_hex(self, b"", &[byte]);
        self
    }

    /// Adds blanks.
    pub(crate) fn pad(&mut self, columns: usize) -> &mut Self {
        append_blanks(self, columns);
        self
    }

    /// Adds a number of so many decimals, given without the point: 1234 with 2 is 12.34.
    pub(crate) fn push_fixed(&mut self, number: u64, decimals: u32) -> &mut Self {
        append_fixed(self, number, decimals);
        self
    }
}

#[inline(never)]
fn filled(buffer: &Buffer<[u8]>) -> &[u8] {
    buffer.bytes.get(..buffer.len).unwrap_or_default()
}

fn up_to_nul(bytes: &[u8]) -> Option<&CStr> {
    CStr::from_bytes_until_nul(bytes).ok()
}

#[inline(never)]
fn up_to_nul_or_empty(bytes: &[u8]) -> &CStr {
    up_to_nul(bytes).unwrap_or_default()
}

#[inline(never)]
fn append(buffer: &mut Buffer<[u8]>, bytes: &[u8]) {
    let room = buffer.bytes.get_mut(buffer.len..).unwrap_or_default();
    for (to, from) in room.iter_mut().zip(bytes) {
        *to = *from;
    }
    buffer.len = buffer.bytes.len().min(buffer.len + bytes.len());
}

#[inline(never)]
fn append_blanks(buffer: &mut Buffer<[u8]>, columns: usize) {
    for _ in 0..columns {
        append(buffer, b" ");
    }
}

#[inline(never)]
fn append_escaped(buffer: &mut Buffer<[u8]>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid().as_bytes();
        while !rest.is_empty() {
            let (taken, steers) = match rest {
                [0..0x20 | 0x7f, ..] => (1, true),
                [0xc2, 0x80..0xa0, ..] => (2, true), // U+0080 to U+009F
                _ => (1, false),
            };
            let (letter, others) = rest.split_at_checked(taken).unwrap_or_default();
            if steers {
                append_hex(buffer, b"\\x", letter);
            } else {
                append(buffer, letter);
            }
            rest = others;
        }
        append_hex(buffer, b"\\x", chunk.invalid());
    }
}

fn append_hex(buffer: &mut Buffer<[u8]>, before: &[u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'?');
        append(buffer, before);
        append(buffer, &[digit(byte >> 4), digit(byte & 15)]);
    }
}

#[inline(never)]
fn append_number(buffer: &mut Buffer<[u8]>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = number;
    let mut count = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    append(buffer, digits.get(digits.len() - count..).unwrap_or_default());
}

#[cold]
#[inline(never)]
fn append_fixed(buffer: &mut Buffer<[u8]>, number: u64, decimals: u32) {
    let mut below = 10_u64.saturating_pow(decimals);
    append_number(buffer, number / below);
    if decimals > 0 {
        append(buffer, b".");
    }
    while below > 1 {
        below /= 10;
        append_number(buffer, number / below % 10);
    }
}

/// Columns that UTF-8 text takes on a terminal, if all its letters are narrow.
pub(crate) fn width(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The parts of a text between these marks: one code for all that is cut up.
pub(crate) fn parts(text: &[u8], mark: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| *byte == mark)
}

/// What stands before the first mark, or all.
pub(crate) fn first_part(text: &[u8], mark: u8) -> &[u8] {
    parts(text, mark).next().unwrap_or_default()
}

/// Whether two words are the same but for capitals. Core compares so too, by chunks, in 240 bytes more.
pub(crate) fn is_same_word(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(push: impl Fn(&mut Text<32>)) -> String {
        let mut text = Text::new();
        push(&mut text);
        String::from_utf8_lossy(text.as_bytes()).into_owned()
    }

    #[test]
    fn numbers_are_decimal_to_the_last() {
        for number in [0, 7, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(pushed(|text| _ = text.push_number(number)), number.to_string());
        }
    }

    #[test]
    fn decimals_keep_their_zeroes() {
        for (number, decimals, text) in
            [(0, 0, "0"), (1234, 2, "12.34"), (5, 3, "0.005"), (1_000_000_000, 9, "1.000000000"), (7, 1, "0.7")]
        {
            assert_eq!(pushed(|into| _ = into.push_fixed(number, decimals)), text);
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_letters_are_not() {
        assert_eq!(pushed(|text| _ = text.push_escaped("a\x1b[2Jé".as_bytes())), "a\\x1b[2Jé");
        assert_eq!(pushed(|text| _ = text.push_escaped(b"\xff\n")), "\\xff\\x0a");
        assert_eq!(pushed(|text| _ = text.push_escaped("\u{9b}".as_bytes())), "\\xc2\\x9b");
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let mut text = Text::<4>::new();
        text.push(b"abc").push(b"def");
        assert_eq!(text.as_bytes(), b"abcd");
        assert!(text.as_c_str().is_none());
    }
}
