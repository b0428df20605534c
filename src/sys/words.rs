//! The arrays of C strings that execve(2) takes.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::ptr::NonNull;

/// One entry of such an array: a C string, or the NULL that ends it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Word(*const c_char);

// SAFETY: what it points to never changes.
unsafe impl Sync for Word {}

impl Word {
    /// The end of an array.
    pub(crate) const END: Word = Word(core::ptr::null());

    pub(crate) const fn of(text: &'static CStr) -> Word {
        Word(text.as_ptr())
    }

    /// The string, unless this is the end.
    fn name(self) -> Option<Name> {
        NonNull::new(self.0.cast_mut()).map(Name)
    }

    /// See [`Name::after`].
    pub(crate) fn after(self, start: &[u8]) -> Option<&'static CStr> {
        self.name()?.after(start)
    }
}

impl From<&'static CStr> for Word {
    fn from(text: &'static CStr) -> Word {
        Word::of(text)
    }
}

impl From<Name> for Word {
    fn from(name: Name) -> Word {
        Word(name.0.as_ptr())
    }
}

/// A C string for the whole run, no wider than a pointer.
#[derive(Clone, Copy)]
pub(crate) struct Name(NonNull<c_char>);

// SAFETY: what it points to never changes.
unsafe impl Sync for Name {}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text() == other.text()
    }
}

impl Name {
    /// Of a text that has its NUL; empty if it has none.
    pub(crate) const fn of_str(text: &'static str) -> Name {
        match CStr::from_bytes_with_nul(text.as_bytes()) {
            Ok(text) => Name::of(text),
            Err(_) => Name::of(c""),
        }
    }

    pub(crate) const fn of(text: &'static CStr) -> Name {
        // SAFETY: a reference's pointer is not null.
        Name(unsafe { NonNull::new_unchecked(text.as_ptr().cast_mut()) })
    }

    pub(crate) fn text(self) -> &'static CStr {
        // SAFETY: made of a C string that lives on.
        unsafe { CStr::from_ptr(self.0.as_ptr()) }
    }

    pub(crate) fn bytes(self) -> &'static [u8] {
        self.text().to_bytes()
    }

    /// What follows this start, if the string has it; of one that has another no more is read than tells so.
    #[inline(never)]
    pub(crate) fn after(self, start: &[u8]) -> Option<&'static CStr> {
        let mut rest = self.0.as_ptr().cast::<u8>();
        for wanted in start {
            // SAFETY: no byte before this one was the NUL, so this one is of the string too.
            if unsafe { *rest } != *wanted || *wanted == 0 {
                return None;
            }
            // SAFETY: that was not the NUL: another byte follows.
            rest = unsafe { rest.add(1) };
        }
        // SAFETY: the end of a C string that lives on.
        Some(unsafe { CStr::from_ptr(rest.cast()) })
    }
}

/// Room for a word that is known only after its array was made.
pub(crate) struct Room(UnsafeCell<[u8; Room::BYTES]>);

// SAFETY: of the processes of a start only one writes at a time, and the kernel reads it only at that one's
// execve(2); see `fill`.
unsafe impl Sync for Room {}

impl Room {
    const BYTES: usize = 256;

    pub(crate) const fn new() -> Room {
        Room(UnsafeCell::new([0; Room::BYTES]))
    }

    /// The word that stands here.
    pub(crate) fn word(&'static self) -> Word {
        Word(self.0.get().cast())
    }

    /// Writes the word: `name`, then `value`. Only before the start, and then by the process that becomes
    /// the command. What is too long is refused.
    pub(crate) fn fill(&self, name: &[u8], value: &[u8]) -> bool {
        // SAFETY: one process writes, and holds no other reference meanwhile.
        let bytes = unsafe { &mut *self.0.get() };
        let fits = name.len() + value.len() < Room::BYTES;
        if fits {
            *bytes = [0; Room::BYTES];
            for (to, from) in bytes.iter_mut().zip(name.iter().chain(value)) {
                *to = *from;
            }
        }
        fits
    }
}

/// A NULL-terminated array of C strings that lives, unchanged, until the program ends.
#[derive(Clone, Copy)]
pub(crate) struct Words(*const Word);

// SAFETY: nothing writes through the pointer.
unsafe impl Sync for Words {}

impl Words {
    /// The array that `main` was given as argv or envp.
    ///
    /// # Safety
    /// `first` points to a NULL-terminated array of C strings, all of which stay as they are until the
    /// program ends.
    pub(crate) const unsafe fn from_main(first: *const *const c_char) -> Words {
        Words(first.cast())
    }

    /// An array of our own; one that lacks its end counts as empty.
    pub(crate) fn new(words: &'static [Word]) -> Words {
        static EMPTY: [Word; 1] = [Word::END];
        match words.last() {
            Some(last) if last.0.is_null() => Words(words.as_ptr()),
            _ => Words(EMPTY.as_ptr()),
        }
    }

    /// Numbers that the kernel left behind the environment, in the auxiliary vector; 0 for one it did not leave.
    /// getauxval(3).
    ///
    /// # Safety
    /// This is the array that `main` was given as envp.
    pub(super) unsafe fn auxiliary<const N: usize>(mut self, wanted: [libc::c_ulong; N]) -> [libc::c_ulong; N] {
        while self.next().is_some() {}
        // SAFETY: this is the NULL that ends the array; what follows is ours to read too.
        let mut entry = unsafe { self.0.add(1) }.cast::<[libc::c_ulong; 2]>();
        let mut found = [0; N];
        loop {
            // SAFETY: kinds and values in pairs, up to a kind of 0.
            let [kind, value] = unsafe { *entry };
            if kind == libc::AT_NULL {
                return found;
            }
            for (place, wanted) in found.iter_mut().zip(&wanted) {
                if *wanted == kind {
                    *place = value;
                }
            }
            // SAFETY: that was not the last.
            entry = unsafe { entry.add(1) };
        }
    }

    /// The first; empty if there is none.
    pub(crate) fn first(mut self) -> &'static CStr {
        self.next().map_or(c"", Name::text)
    }

    /// The array itself, for execve(2).
    pub(super) fn as_ptr(self) -> *const Word {
        self.0
    }
}

impl Iterator for Words {
    type Item = Name;

    fn next(&mut self) -> Option<Name> {
        // SAFETY: never moved past the NULL that ends the array.
        let word = unsafe { *self.0 };
        let name = word.name()?;
        // SAFETY: another word follows this one, or the NULL does.
        self.0 = unsafe { self.0.add(1) };
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_auxiliary_vector_lies_behind_the_environment() {
        let text = |text: &'static CStr| text.as_ptr().expose_provenance();
        let stack = [text(c"A=1"), text(c"B"), 0, 6, 4096, 12, 1000, 0, 0, 14, 7];
        // SAFETY: two strings, the NULL that ends them, and pairs up to a kind of 0.
        let environment = unsafe { Words::from_main(stack.as_ptr().cast()) };
        // SAFETY: as above.
        assert_eq!(unsafe { environment.auxiliary([14, 12, 6]) }, [0, 1000, 4096]);
    }

    #[test]
    fn what_follows_a_start_is_found_without_reading_past_the_end() {
        let name = Name::of(c"PATH=/bin");
        assert_eq!(name.after(b"PATH="), Some(c"/bin"));
        assert_eq!(name.after(b"PATH=/bin"), Some(c""));
        assert_eq!(name.after(b""), Some(c"PATH=/bin"));
        for other in [&b"PATH=/bin\0"[..], b"PATH=/bin/", b"HOME=", b"PATHS"] {
            assert_eq!(name.after(other), None);
        }
    }
}
