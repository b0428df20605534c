//! The allocator: a bump pointer over a fixed arena, then over mappings. Nothing is ever freed: a run
//! parses its arguments once, and the little that takes stays until the end.

use super::{Errno, file, memory, process};
use crate::text::Text;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::CStr;

/// Enough for an ordinary command line and environment; untouched pages of it cost nothing.
const ARENA_BYTES: usize = 32 << 10;
/// More is mapped in pieces of at least this.
const PIECE_BYTES: usize = 1 << 20;

/// The free part of what there is: its start and its end.
type Free = (*mut u8, *mut u8);

#[repr(C, align(16))]
struct Bytes(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: handed out piece by piece, each once, by the one allocator that uses it.
unsafe impl Sync for Bytes {}

/// First behind the small statics: it begins on the page that they and the child's stack share.
#[unsafe(link_section = ".bss.~1")]
static BYTES: Bytes = Bytes(UnsafeCell::new([0; ARENA_BYTES]));

struct Arena {
    bytes: &'static Bytes,
    free: UnsafeCell<Option<Free>>,
}

// SAFETY: only the launcher allocates, and it has one thread.
unsafe impl Sync for Arena {}

#[cfg_attr(not(test), global_allocator)]
static ARENA: Arena = Arena { bytes: &BYTES, free: UnsafeCell::new(None) };

/// `size` bytes aligned to `align` from the front of `free`, and what is left of it.
fn bump(free: Free, layout: Layout) -> Option<(*mut u8, Free)> {
    let (start, end) = free;
    let padding = start.align_offset(layout.align());
    let room = end.addr().checked_sub(start.addr())?;
    let needed = padding.checked_add(layout.size())?;
    (needed <= room).then(|| (start.wrapping_add(padding), (start.wrapping_add(needed), end)))
}

/// A new piece with room for `layout`.
#[cold]
fn map_piece(layout: Layout) -> Result<Free, Errno> {
    let bytes = layout.size().checked_add(layout.align()).ok_or(Errno::ENOMEM)?.max(PIECE_BYTES);
    let start = core::ptr::with_exposed_provenance_mut::<u8>(memory::map(bytes, libc::MAP_PRIVATE)?);
    Ok((start, start.wrapping_add(bytes)))
}

/// Nobody who asks for memory can go on without: it is said, as a failed step is, and that is the end.
#[cold]
fn give_up(errno: Errno) -> ! {
    let mut message = Text::<128>::new();
    let (name, text) = errno.describe().unwrap_or(("?", "refused"));
    message.push_str("gontainer: find memory: mmap: ").push_str(text).push_str(" (").push_str(name).push_str(")\n");
    let _ = file::write(2, message.as_bytes()); // a full or closed pipe
    process::exit(125)
}

// SAFETY: every block lies in the arena or a mapping of its own, aligned, and is handed out once.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and the borrow ends with this function.
        let free = unsafe { &mut *self.free.get() };
        let start = self.bytes.0.get().cast::<u8>();
        let current = *free.get_or_insert((start, start.wrapping_add(ARENA_BYTES)));
        let (block, rest) = bump(current, layout).unwrap_or_else(|| {
            let piece = map_piece(layout).unwrap_or_else(|errno| give_up(errno));
            bump(piece, layout).unwrap_or_else(|| give_up(Errno::ENOMEM))
        });
        *free = Some(rest);
        block
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// Keeps a value for the rest of the run. Not for a child: it would take room that its parent is about to
/// take too.
pub(crate) fn keep<T>(value: T) -> &'static T {
    let layout = Layout::new::<T>();
    const { assert!(size_of::<T>() > 0) };
    #[cfg(test)] // which has more than one thread
    let _alone = tests::ALONE.lock();
    // SAFETY: a layout of more than no bytes.
    let place = unsafe { ARENA.alloc(layout) }.cast::<T>();
    // SAFETY: room for just this, aligned, and nobody else's.
    unsafe { place.write(value) };
    // SAFETY: just written, and never written again.
    unsafe { &*place }
}

/// Keeps a text of at most so many bytes, none of them NUL, for the rest of the run. Not for a child either.
pub(crate) fn keep_text(most: usize, bytes: impl Iterator<Item = u8>) -> &'static CStr {
    let place = zeroes(most.saturating_add(1)); // one stays
    for (to, from) in place.iter_mut().zip(bytes.take(most)) {
        *to = from;
    }
    CStr::from_bytes_until_nul(place).unwrap_or_default()
}

/// So many zeroes.
fn zeroes(size: usize) -> &'static mut [u8] {
    let Ok(layout) = Layout::array::<u8>(size) else { give_up(Errno::ENOMEM) };
    #[cfg(test)]
    let _alone = tests::ALONE.lock();
    // SAFETY: a layout of more than no bytes.
    let place = unsafe { ARENA.alloc(layout) };
    // SAFETY: what the arena hands out was never written to; it is ours alone, and that long.
    unsafe { core::slice::from_raw_parts_mut(place, size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn blocks_are_aligned_apart_and_also_come_when_the_arena_is_full() {
        static OWN: Bytes = Bytes(UnsafeCell::new([0; ARENA_BYTES]));
        let arena = Arena { bytes: &OWN, free: UnsafeCell::new(None) };
        let mut last_end = 0;
        for (size, align) in [(1, 1), (3, 64), (8, 8), (ARENA_BYTES, 8), (3 << 20, 4096), (1, 1)] {
            let Ok(layout) = Layout::from_size_align(size, align) else { continue };
            // SAFETY: a layout of more than no bytes.
            let block = unsafe { arena.alloc(layout) };
            assert!(!block.is_null() && block.addr() % align == 0);
            assert!(block.addr() >= last_end || block.addr() + size <= last_end);
            last_end = block.addr() + size;
            // SAFETY: the block is ours and `size` bytes long.
            unsafe { block.write_bytes(1, size) };
        }
    }
}
