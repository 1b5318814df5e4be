//! Memory that the allocator holds for later.

/// Gives freed memory back to the system, where the allocator can be told so; to be called after a phase that needed much more
/// than what follows.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: no pointer is passed, and glibc locks its arenas itself.
        let _whether_any_was_given = unsafe { nix::libc::malloc_trim(0) };
    }
}
