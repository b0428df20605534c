//! Ids: maps of them, and the files of a system that give them. Pure: nothing here opens or writes a file.

use crate::number::decimal;
use crate::text::{Text, parts};
use core::ffi::CStr;

/// One line of an id map: `count` ids from `inside` on are, outside, those from `outside` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) inside: u32,
    pub(crate) outside: u32,
    pub(crate) count: u32,
}

/// Lines that the kernel takes in one map (UID_GID_MAP_MAX_EXTENTS).
pub(crate) const MOST_RANGES: usize = 340;

impl Range {
    /// One id.
    pub(crate) const fn one(inside: u32, outside: u32) -> Range {
        Range { inside, outside, count: 1 }
    }

    /// `INSIDE:OUTSIDE:COUNT`, or a line of a map with other marks between.
    pub(crate) fn parse(text: &[u8], separator: u8) -> Option<Range> {
        // The kernel pads its lines with blanks.
        let mut words = parts(text, separator).filter(|word| !word.is_empty() || separator != b' ');
        let range = Range { inside: id(words.next()?)?, outside: id(words.next()?)?, count: count(words.next()?)? };
        let last = |first: u32| first.checked_add(range.count); // one behind the last: that may not be an id either
        let fits = range.count > 0 && last(range.inside).is_some() && last(range.outside).is_some();
        (fits && words.next().is_none()).then_some(range)
    }

    /// Whether two ranges share an id, inside or outside.
    pub(crate) fn overlaps(&self, other: &Range) -> bool {
        let share = |mine: u32, theirs: u32| {
            u64::from(mine) < u64::from(theirs) + u64::from(other.count)
                && u64::from(theirs) < u64::from(mine) + u64::from(self.count)
        };
        share(self.inside, other.inside) || share(self.outside, other.outside)
    }

    /// What an id outside is inside.
    pub(crate) fn inside_of(&self, outside: u32) -> Option<u32> {
        let offset = outside.checked_sub(self.outside).filter(|offset| *offset < self.count)?;
        Some(self.inside + offset)
    }

    /// What an id inside is outside.
    pub(crate) fn outside_of(&self, inside: u32) -> Option<u32> {
        let offset = inside.checked_sub(self.inside).filter(|offset| *offset < self.count)?;
        Some(self.outside + offset)
    }

    /// Adds the line that the kernel reads.
    pub(crate) fn write<const N: usize>(&self, text: &mut Text<N>) {
        text.push_number(self.inside.into()).push(b" ").push_number(self.outside.into()).push(b" ");
        text.push_number(self.count.into());
    }
}

/// An id: decimal, and not the one that stands for none.
pub(crate) fn id(text: &[u8]) -> Option<u32> {
    u32::try_from(decimal(text)?).ok().filter(|id| *id != u32::MAX)
}

fn count(text: &[u8]) -> Option<u32> {
    u32::try_from(decimal(text)?).ok()
}

/// Whom `-user` names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    /// By the container's own /etc/passwd.
    Name(&'static CStr),
    Ids(u32, Option<u32>),
}

impl User {
    /// `NAME`, `UID` or `UID:GID`.
    pub(crate) fn parse(text: &'static CStr) -> Option<User> {
        let bytes = text.to_bytes();
        let mut ids = parts(bytes, b':');
        match (ids.next().and_then(id), ids.next(), ids.next()) {
            (Some(uid), None, None) => Some(User::Ids(uid, None)),
            (Some(uid), Some(gid), None) => Some(User::Ids(uid, Some(id(gid)?))),
            // A number that is no id is no name either.
            _ if decimal(bytes).is_some() => None,
            _ => {
                let odd = |byte: &u8| matches!(byte, b':' | b',' | b'/') || byte.is_ascii_whitespace();
                (!bytes.is_empty() && !bytes.iter().any(odd)).then_some(User::Name(text))
            }
        }
    }
}

/// An entry of passwd(5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: &'a [u8],
}

impl<'a> Entry<'a> {
    /// `name:password:uid:gid:comment:home:shell`, if it is that.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Entry<'a>> {
        let mut fields = parts(line, b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = id(fields.nth(1)?)?;
        let gid = id(fields.next()?)?;
        let home = fields.nth(1)?;
        fields.next()?;
        Some(Entry { name, uid, gid, home })
    }
}

/// A line of subuid(5): the first and the number of ids that it gives to this user.
pub(crate) fn subordinates(line: &[u8], name: &[u8], uid: u32) -> Option<(u32, u32)> {
    let mut fields = parts(line, b':');
    let owner = fields.next()?;
    let (first, count) = (id(fields.next()?)?, count(fields.next()?)?);
    let is_his = !owner.is_empty() && (owner == name || id(owner) == Some(uid));
    (is_his && count > 0 && first.checked_add(count).is_some() && fields.next().is_none()).then_some((first, count))
}

/// Reads group(5) byte by byte, as the list of a group's members may be longer than any buffer, and finds
/// the groups that a user is a member of.
pub(crate) struct Membership<'a> {
    name: &'a [u8],
    /// Which field of the line, from 0.
    field: usize,
    gid: Option<u32>,
    /// How much of the name the current word is so far.
    matched: Option<usize>,
}

impl<'a> Membership<'a> {
    pub(crate) fn of(name: &'a [u8]) -> Self {
        Membership { name, field: 0, gid: None, matched: Some(0) }
    }

    /// Takes the next byte; a line end after the last line, too. Returns a group that he is in.
    pub(crate) fn take(&mut self, byte: u8) -> Option<u32> {
        match (self.field, byte) {
            (_, b'\n') | (3, b',') => {
                let found = self.field == 3 && self.matched == Some(self.name.len());
                let gid = self.gid.filter(|gid| found && *gid != u32::MAX);
                if byte == b'\n' {
                    *self = Membership::of(self.name);
                } else {
                    self.matched = Some(0);
                }
                return gid;
            }
            (_, b':') => {
                self.field += 1;
                self.matched = Some(0);
            }
            (2, _) => {
                let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9);
                let before = if self.matched.take().is_some() { Some(0) } else { self.gid };
                self.gid =
                    before.zip(digit).and_then(|(sum, digit)| u32::checked_mul(sum, 10)?.checked_add(digit.into()));
            }
            (3, _) => {
                self.matched = self.matched.filter(|at| self.name.get(*at) == Some(&byte)).map(|at| at + 1);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts without an order, the same each time.
    fn texts(letters: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap_or(0)
        };
        let letters = letters.to_vec();
        (0..20_000).map(move |_| (0..next() % 40).map(|_| letters[next() % letters.len()]).collect())
    }

    #[test]
    fn a_range_is_three_ids_that_fit() {
        let range = |inside, outside, count| Some(Range { inside, outside, count });
        for (text, wanted) in [
            ("0:1000:1", range(0, 1000, 1)),
            ("1:100000:65535", range(1, 100_000, 65535)),
            ("0:0:4294967295", range(0, 0, u32::MAX)),
            ("0:0:4294967294", range(0, 0, u32::MAX - 1)),
            ("1:0:4294967295", None),
            ("4294967294:0:1", range(u32::MAX - 1, 0, 1)),
            ("4294967295:0:1", None),
            ("0:4294967294:2", None),
            ("0:0:0", None),
            ("0:0", None),
            ("0:0:1:", None),
            ("0:0:1:1", None),
            ("", None),
            (":0:1", None),
            ("0::1", None),
            ("-1:0:1", None),
            ("+1:0:1", None),
            (" 1:0:1", None),
            ("0x1:0:1", None),
            ("0:1000:1\n", None),
            ("0 1000 1", None),
            ("0:0:4294967296", None),
        ] {
            assert_eq!(Range::parse(text.as_bytes(), b':'), wanted, "{text:?}");
        }
        assert_eq!(Range::parse(b"         0       1000          1", b' '), range(0, 1000, 1));
    }

    #[test]
    fn ranges_that_share_an_id_overlap() {
        let range = |inside, outside, count| Range { inside, outside, count };
        for (one, other, overlap) in [
            (range(0, 100, 10), range(10, 110, 10), false),
            (range(0, 100, 10), range(9, 110, 10), true),
            (range(0, 100, 10), range(10, 109, 10), true),
            (range(0, 100, 10), range(10, 90, 10), false),
            (range(0, 100, 10), range(10, 91, 10), true),
            (range(0, 0, u32::MAX), range(u32::MAX - 1, 7, 1), true),
            (range(5, 5, 1), range(5, 9, 1), true),
        ] {
            assert!(one.overlaps(&other) == overlap && other.overlaps(&one) == overlap, "{one:?} {other:?}");
        }
    }

    #[test]
    fn an_id_has_its_place_on_the_other_side() {
        let range = Range { inside: 10, outside: 100, count: 5 };
        let places = [99, 100, 104, 105].map(|outside| range.inside_of(outside));
        assert_eq!(places, [None, Some(10), Some(14), None]);
        let places = [9, 10, 14, 15].map(|inside| range.outside_of(inside));
        assert_eq!(places, [None, Some(100), Some(104), None]);
    }

    #[test]
    fn a_written_range_reads_the_same() {
        for numbers in [[0, 0, 1], [4_294_967_294, 4_294_967_294, 1], [7, 100_000, 65536]] {
            let [inside, outside, count] = numbers;
            let range = Range { inside, outside, count };
            let mut text = Text::<40>::new();
            range.write(&mut text);
            assert_eq!(Range::parse(text.as_bytes(), b' '), Some(range));
        }
    }

    #[test]
    fn a_user_is_a_name_or_numbers() {
        for (text, wanted) in [
            (c"0", Some(User::Ids(0, None))),
            (c"1000:100", Some(User::Ids(1000, Some(100)))),
            (c"4294967294:4294967294", Some(User::Ids(4_294_967_294, Some(4_294_967_294)))),
            (c"4294967295", None),
            (c"4294967296", None),
            (c"99999999999999999999999:1", None),
            (c"1:", None),
            (c":1", None),
            (c"1:2:3", None),
            (c"1:-2", None),
            (c"1:root", None),
            (c"", None),
            (c"a b", None),
            (c"a:1", None),
            (c"-1", Some(User::Name(c"-1"))),
            (c"www-data", Some(User::Name(c"www-data"))),
            (c"3proxy", Some(User::Name(c"3proxy"))),
        ] {
            assert_eq!(User::parse(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn an_entry_of_passwd_has_seven_fields() {
        let entry = Entry { name: b"www", uid: 33, gid: 34, home: b"/var/www" };
        assert_eq!(Entry::parse(b"www:x:33:34:a,b:/var/www:/bin/sh"), Some(entry));
        assert_eq!(Entry::parse(b"www:x:33:34::/var/www:"), Some(entry));
        for line in [
            "",
            ":",
            "www",
            "www:x:33:34::/var/www",
            "www:x:33",
            ":x:33:34::/:/bin/sh",
            "www:x:-1:34::/:",
            "www:x:4294967295:34::/:",
            "www:x::34::/:",
            "# comment",
            "+::::::",
            "www:x:33:99999999999::/:",
        ] {
            assert_eq!(Entry::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn subordinate_ids_are_found_by_name_or_number() {
        for (line, wanted) in [
            ("me:100000:65536", Some((100_000, 65536))),
            ("1000:5:6", Some((5, 6))),
            ("01000:5:6", Some((5, 6))),
            ("you:100000:65536", None),
            ("1001:5:6", None),
            ("me:100000:0", None),
            ("me:4294967290:10", None),
            ("me:1:2:3", None),
            ("me:1", None),
            ("me::1", None),
            (":1:2", None),
            ("# me:1:2", None),
            ("", None),
        ] {
            assert_eq!(subordinates(line.as_bytes(), b"me", 1000), wanted, "{line}");
        }
        assert_eq!(subordinates(b":1:2", b"", 7), None);
    }

    fn groups_of(name: &str, file: &[u8]) -> Vec<u32> {
        let mut membership = Membership::of(name.as_bytes());
        file.iter().chain(b"\n").filter_map(|byte| membership.take(*byte)).collect()
    }

    #[test]
    fn groups_are_those_whose_members_name_the_user_whole() {
        let file =
            b"root:x:0:\nadm:x:4:syslog,me\none:x:5:me\ntwo:x:6:me,you\nno:x:7:mee,m,xme\nbad:x::me\nbad:x:-1:me\n\
                     bad:x:4294967295:me\nbad:x:4294967296:me\nbad:x:1x:me\nme:x:8:\nlast:x:9:you,me";
        assert_eq!(groups_of("me", file), [4, 5, 6, 9]);
        assert_eq!(groups_of("syslog", file), [4]);
        assert_eq!(groups_of("m", file), [7]);
        let many: Vec<u8> = [&b"big:x:10:"[..], &b"someone,".repeat(100_000), b"me"].concat();
        assert_eq!(groups_of("me", &many), [10]);
    }

    #[test]
    fn membership_agrees_with_a_reading_by_lines() {
        for text in texts(b"ab12::,,\n") {
            let plain: Vec<u32> = text
                .split(|byte| *byte == b'\n')
                .filter_map(|line| {
                    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
                    let [_, _, gid, members] = fields[..] else { return None };
                    let gid = id(gid)?;
                    let times = members.split(|byte| *byte == b',').filter(|member| *member == b"ab").count();
                    Some(std::iter::repeat_n(gid, times))
                })
                .flatten()
                .collect();
            // Lines of more than four fields are no entries; what is read of them does not matter.
            if text.split(|byte| *byte == b'\n').all(|line| line.iter().filter(|byte| **byte == b':').count() <= 3) {
                assert_eq!(groups_of("ab", &text), plain, "{:?}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn no_text_makes_a_parser_give_what_is_no_id() {
        for text in texts(b"0123456789:: ,-+x\n\xff") {
            if let Some(range) = Range::parse(&text, b':') {
                assert!(range.count > 0 && u64::from(range.inside) + u64::from(range.count) <= u64::from(u32::MAX));
                assert!(u64::from(range.outside) + u64::from(range.count) <= u64::from(u32::MAX));
            }
            if let Some(entry) = Entry::parse(&text) {
                assert!(entry.uid != u32::MAX && entry.gid != u32::MAX && !entry.name.is_empty());
            }
            if let Some((first, count)) = subordinates(&text, b"0", 1) {
                assert!(count > 0 && first.checked_add(count).is_some());
            }
            groups_of("0", &text);
        }
    }
}
