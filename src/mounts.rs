//! Mounts as people write them: `-bind=SRC[:DST[:ro]]` and `-tmpfs=DST[:SIZE]`.

use crate::number;
use crate::sys::{self, Fd};
use core::cell::Cell;
use core::ffi::CStr;

/// Something to be mounted in the container.
pub(crate) struct Mount {
    /// Where, from the container's root.
    pub(crate) place: &'static CStr,
    pub(crate) what: What,
}

pub(crate) enum What {
    Bind(Bind),
    /// A new tmpfs of at most so many bytes; the kernel's own limit if there is no number.
    Tmpfs(Option<u64>),
}

/// A file or directory of the host's.
pub(crate) struct Bind {
    pub(crate) source: &'static CStr,
    pub(crate) read_only: bool,
    /// From when the child has opened the source until it is mounted.
    pub(crate) held: Cell<Option<Held>>,
}

/// A source that was opened.
pub(crate) enum Held {
    /// A copy of it and of the mounts below it, still to be attached.
    Tree(Fd),
    /// Where the kernel makes no such copies: the source itself.
    Name(Fd),
}

impl Mount {
    /// `SRC[:DST[:ro]]`; without DST it is where it is on the host.
    pub(crate) fn bind(value: &CStr) -> Result<Mount, &'static str> {
        let mut parts = Parts { rest: Some(value.to_bytes()) };
        let source = parts.next().unwrap_or_default();
        let place = parts.next().unwrap_or(source);
        let read_only = match parts.next().map(CStr::to_bytes) {
            None => false,
            Some(b"ro") => true,
            Some(_) => return Err("takes nothing but ro behind the second colon; a colon in a path is written \\:"),
        };
        if source.is_empty() || parts.next().is_some() {
            return Err("takes SRC, SRC:DST or SRC:DST:ro");
        }
        let what = What::Bind(Bind { source, read_only, held: Cell::new(None) });
        Ok(Mount { place: absolute(place)?, what })
    }

    /// `DST[:SIZE]`.
    pub(crate) fn tmpfs(value: &CStr) -> Result<Mount, &'static str> {
        let mut parts = Parts { rest: Some(value.to_bytes()) };
        let place = absolute(parts.next().unwrap_or_default())?;
        let size = match parts.next() {
            None => None,
            Some(text) => match number::size(text.to_bytes()) {
                Some(size) if size > 0 && parts.next().is_none() => Some(size),
                _ => return Err("takes a size behind the colon, as in 64m or 1g"),
            },
        };
        Ok(Mount { place, what: What::Tmpfs(size) })
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(&self.what, What::Bind(bind) if bind.read_only)
    }
}

/// A path that begins at the container's root.
pub(crate) fn absolute(path: &'static CStr) -> Result<&'static CStr, &'static str> {
    if path.to_bytes().starts_with(b"/") { Ok(path) } else { Err("needs a path inside that begins with /") }
}

/// The parts of a value, with colons between. Within one, `\:` is a colon and `\\` a backslash; before
/// anything else a backslash is just that.
struct Parts<'a> {
    rest: Option<&'a [u8]>,
}

impl Iterator for Parts<'_> {
    type Item = &'static CStr;

    fn next(&mut self) -> Option<&'static CStr> {
        let bytes = self.rest?;
        let mut is_escaped = false;
        let end = bytes.iter().position(|byte| {
            let ends = *byte == b':' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            ends
        });
        self.rest = end.and_then(|at| bytes.get(at + 1..));
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let mut left = part.iter().copied().peekable();
        let letters = core::iter::from_fn(move || match left.next() {
            Some(b'\\') => left.next_if(|next| matches!(next, b':' | b'\\')).or(Some(b'\\')),
            letter => letter,
        });
        Some(sys::keep_text(part.len(), letters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bind(value: &CStr) -> Result<(&'static CStr, &'static CStr, bool), &'static str> {
        let mount = Mount::bind(value)?;
        let What::Bind(bind) = mount.what else { return Err("no bind") };
        Ok((bind.source, mount.place, bind.read_only))
    }

    #[test]
    fn a_bind_has_one_part_to_three() {
        assert_eq!(bind(c"/srv"), Ok((c"/srv", c"/srv", false)));
        assert_eq!(bind(c"a b:/x y"), Ok((c"a b", c"/x y", false)));
        assert_eq!(bind(c"/srv:/mnt:ro"), Ok((c"/srv", c"/mnt", true)));
        for wrong in
            [c"", c":", c":/x", c"/srv:", c"relative", c"/srv:x", c"/srv::ro", c"/srv:/x:rw", c"/srv:/x:", c"/a:/b:ro:"]
        {
            assert!(bind(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_colon_in_a_path_has_a_backslash_before_it() {
        assert_eq!(bind(c"/a\\:b:/c\\:d:ro"), Ok((c"/a:b", c"/c:d", true)));
        assert_eq!(bind(c"/a\\b"), Ok((c"/a\\b", c"/a\\b", false)));
        assert_eq!(bind(c"/a\\\\:/b"), Ok((c"/a\\", c"/b", false)));
        assert_eq!(bind(c"/a\\\\\\:"), Ok((c"/a\\:", c"/a\\:", false)));
        assert_eq!(bind(c"/a\\"), Ok((c"/a\\", c"/a\\", false)));
    }

    #[test]
    fn a_tmpfs_has_a_size_or_none() {
        let tmpfs = |value: &CStr| match Mount::tmpfs(value) {
            Ok(Mount { place, what: What::Tmpfs(size) }) => Some((place, size)),
            _ => None,
        };
        assert_eq!(tmpfs(c"/tmp"), Some((c"/tmp", None)));
        assert_eq!(tmpfs(c"/a\\:b:64m"), Some((c"/a:b", Some(64 << 20))));
        for wrong in [c"", c"tmp", c"/tmp:", c"/tmp:0", c"/tmp:1x", c"/tmp:1k:", c"/tmp:17179869184g"] {
            assert_eq!(tmpfs(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        /// Whatever paths are made of, written as told they come back.
        #[test]
        fn any_path_can_be_written(source in "[^\0]{1,40}", place in "/[^\0]{0,40}") {
            let escaped = |path: &str| path.replace('\\', "\\\\").replace(':', "\\:");
            let value = std::ffi::CString::new(format!("{}:{}:ro", escaped(&source), escaped(&place))).unwrap_or_default();
            let source = std::ffi::CString::new(source).unwrap_or_default();
            let place = std::ffi::CString::new(place).unwrap_or_default();
            let read = bind(&value).map(|(source, place, ro)| (source.to_owned(), place.to_owned(), ro));
            prop_assert_eq!(read, Ok((source, place, true)));
        }
    }
}
