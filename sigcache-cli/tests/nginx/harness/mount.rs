//! A small file system of our own, taken away when it is dropped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::site::skipped;

pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// None, said loudly, where this user may not mount anything.
    pub(crate) fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], at);
        if !mounted {
            skipped("no file system can be mounted here, so a full and a read-only disk were not tested");
        }
        mounted.then(|| Self(at.to_owned()))
    }

    /// `size=64m`, `ro`, `rw`.
    pub(crate) fn remount(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], &self.0), "cannot remount with {option}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    Command::new("mount").args(options).arg(at).output().is_ok_and(|output| output.status.success())
}
