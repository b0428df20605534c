//! Errors as the kernel numbers them, with the names people search for.

use super::Name;

/// An error number of the kernel, errno(3), or one of our own reasons, which are numbered above them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

/// The result of a raw system call: the top 4095 values are negated error numbers.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "at most 4095")]
pub(super) fn decode(result: usize) -> Result<usize, Errno> {
    match result.cast_signed() {
        error @ -4095..=-1 => Err(Errno(-error as i32)),
        _ => Ok(result),
    }
}

impl Errno {
    /// Its name as in errno(3), which a reason of our own does not have, and what it means.
    pub(crate) fn describe(self) -> Option<(&'static str, &'static str)> {
        let text = TEXTS.iter().find(|text| text.of == self)?;
        text.both.text().to_str().ok()?.split_at_checked(text.name_bytes.into())
    }

    /// As the kernel would return it.
    pub(super) fn encode(self) -> usize {
        (-(self.0 as isize)).cast_unsigned()
    }
}

/// What is said of an error: its name, and its meaning right behind it.
struct Text {
    of: Errno,
    name_bytes: u8,
    both: Name,
}

macro_rules! errors {
    ($($name:ident $text:literal)*; $($own:ident $number:literal $reason:literal)*) => {
        impl Errno {
            $(#[allow(dead_code, reason = "the table is whole, the code needs a part")]
            pub(crate) const $name: Errno = Errno(libc::$name);)*
            $(pub(crate) const $own: Errno = Errno($number);)*
        }

        #[allow(clippy::cast_possible_truncation, reason = "names are short")]
        static TEXTS: &[Text] = &[
            $(Text { of: Errno::$name, name_bytes: stringify!($name).len() as u8, both: Name::of_str(concat!(stringify!($name), $text, "\0")) },)*
            $(Text { of: Errno::$own, name_bytes: 0, both: Name::of_str(concat!($reason, "\0")) },)*
        ];
    };
}

// Some texts of strerror(3) mislead where containers are started; these say what it means here.
errors! {
    E2BIG "arguments and environment are too long"
    EACCES "permission denied"
    EAFNOSUPPORT "address family not supported"
    EAGAIN "resource temporarily unavailable, or a limit on processes"
    EBADF "bad file descriptor"
    EBUSY "device or resource busy"
    EDQUOT "quota exceeded"
    EEXIST "file exists"
    EFBIG "file too large"
    EINTR "interrupted"
    EINVAL "invalid argument"
    EIO "input/output error"
    EISDIR "is a directory"
    ELIBBAD "its interpreter is no program"
    ELOOP "too many levels of symbolic links"
    EMFILE "too many open files"
    ENAMETOOLONG "file name too long"
    ENFILE "too many open files in the system"
    ENODEV "no such device, or the kernel lacks this file system"
    ENOENT "no such file or directory"
    ENOEXEC "neither a program for this machine nor a script with #!"
    ENOMEM "out of memory"
    ENOSPC "no space left, or a limit on namespaces or mounts"
    ENOSYS "the kernel has no such system call"
    ENOTCONN "the file system's server is gone"
    ENOTDIR "not a directory"
    ENOTTY "not a terminal"
    ENXIO "no such device or address"
    EOPNOTSUPP "operation not supported"
    EOVERFLOW "an id has no mapping, or a value is too large"
    EPERM "operation not permitted"
    EPIPE "broken pipe"
    ERANGE "out of range"
    EROFS "read-only file system"
    ESRCH "no such process"
    ESTALE "stale file handle"
    ETXTBSY "file is open for writing"
    EXDEV "crosses a mount or a device"
    ;
    NO_SUCH_USER 5001 "no such user in the container's /etc/passwd"
    NOT_REGULAR 5002 "not a regular file"
    NO_SUBORDINATES 5003 "has no range of ids for this user"
    NOT_ROOTS 5004 "does not belong to root"
    NOT_ONLY_ROOTS 5005 "others than root may write it"
    NOT_PRIVILEGED 5006 "is neither setuid nor has a capability"
    HELPER_FAILED 5007 "it failed; its message stands above"
    OTHER_MAP 5008 "is not what was asked for"
    TOO_MANY_GROUPS 5009 "is in more groups than there is room for"
    IS_ROOTFS 5010 "is the rootfs itself"
    IN_USE 5011 "another container keeps its changes there"
    NOT_PROC 5012 "is not the kernel's: somebody made it"
    OTHERS_PROC 5013 "is of processes that we are not among"
    NOT_YOURS 5014 "is not yours alone (mode 0700)"
    KILLED 5015 "was killed during its start"
    NO_TIME_NAMESPACES 5000 "takes Linux 6.2 and CONFIG_TIME_NS"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_4095_values_are_errors() {
        assert!(decode(0) == Ok(0));
        assert!(decode(usize::MAX) == Err(Errno::EPERM));
        assert!(decode(usize::MAX - 4094) == Err(Errno(4095)));
        assert!(decode(usize::MAX - 4095) == Ok(usize::MAX - 4095));
    }

    #[test]
    fn an_error_has_its_kernel_name() {
        assert!(Errno(2).describe() == Some(("ENOENT", "no such file or directory")));
        assert!(Errno(4000).describe().is_none());
        assert!(Errno::NO_TIME_NAMESPACES.describe().is_some_and(|(name, _)| name.is_empty()));
    }
}
