//! The directories from the root of a tree down to where a walk is, by descriptor.
//!
//! Everything goes relative to the innermost one, so nobody who renames directories meanwhile can lead the walk out of
//! the tree. Only the innermost ones are kept open: a tree may be deeper than a process may have files open. The others
//! are found again through `..`, and recognised by device and inode.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Directories kept open besides the root.
const KEPT_OPEN: usize = 64;

/// Device and inode of an open file.
pub(crate) type FileId = (u64, u64);

pub(crate) fn file_id(fd: impl AsFd) -> Result<FileId, Errno> {
    let stat = rustix::fs::fstat(fd)?;
    Ok((stat.st_dev, stat.st_ino))
}

struct Level {
    id: FileId,
    /// `None` for those outside of the innermost ones.
    fd: Option<OwnedFd>,
}

/// Open directories, the root first.
pub(crate) struct DirStack {
    root: OwnedFd,
    root_id: FileId,
    /// Below the root. The last one is always open.
    levels: Vec<Level>,
}

impl DirStack {
    pub(crate) fn new(root: OwnedFd) -> Result<Self, Errno> {
        Ok(Self {
            root_id: file_id(&root)?,
            root,
            levels: Vec::new(),
        })
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The innermost directory.
    pub(crate) fn current(&self) -> BorrowedFd<'_> {
        match self.levels.last() {
            Some(Level { fd: Some(fd), .. }) => fd.as_fd(),
            _ => self.root.as_fd(),
        }
    }

    /// Device and inode of the innermost directory.
    pub(crate) fn current_id(&self) -> FileId {
        self.levels.last().map_or(self.root_id, |level| level.id)
    }

    /// Whether the directory is one of those the walk is inside of.
    pub(crate) fn contains(&self, id: FileId) -> bool {
        self.root_id == id || self.levels.iter().any(|level| level.id == id)
    }

    /// Goes into a directory.
    pub(crate) fn enter(&mut self, directory: OwnedFd) -> Result<(), Errno> {
        let id = file_id(&directory)?;
        if let Some(outer) = self.levels.len().checked_sub(KEPT_OPEN) {
            self.levels[outer].fd = None;
        }
        self.levels.push(Level {
            id,
            fd: Some(directory),
        });
        Ok(())
    }

    /// Goes back to the directory around the innermost one. `STALE`: that one was moved elsewhere meanwhile.
    pub(crate) fn leave(&mut self) -> Result<(), Errno> {
        let Some(Level { fd: Some(left), .. }) = self.levels.pop() else {
            return Ok(());
        };
        if let Some(level) = self.levels.last_mut().filter(|level| level.fd.is_none()) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let parent = rustix::fs::openat(&left, c"..", flags, Mode::empty())?;
            if file_id(&parent)? != level.id {
                return Err(Errno::STALE);
            }
            level.fd = Some(parent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;

    fn open(parent: impl AsFd, path: impl rustix::path::Arg) -> OwnedFd {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(parent, path, flags, Mode::empty()).unwrap()
    }

    #[test]
    fn finds_its_way_back_from_any_depth() {
        let dir = tempfile::tempdir().unwrap();
        let mut stack = DirStack::new(open(CWD, dir.path())).unwrap();
        let mut ids = vec![stack.current_id()];
        for _ in 0..3 * KEPT_OPEN {
            rustix::fs::mkdirat(stack.current(), c"d", Mode::RWXU).unwrap();
            let child = open(stack.current(), c"d");
            stack.enter(child).unwrap();
            ids.push(stack.current_id());
        }
        let open_now = stack
            .levels
            .iter()
            .filter(|level| level.fd.is_some())
            .count();
        assert_eq!(open_now, KEPT_OPEN);
        while let Some(id) = ids.pop() {
            assert_eq!(stack.current_id(), id);
            assert_eq!(file_id(stack.current()).unwrap(), id);
            assert!(stack.contains(id));
            stack.leave().unwrap();
        }
    }

    #[test]
    fn notices_that_it_was_moved() {
        let dir = tempfile::tempdir().unwrap();
        let mut stack = DirStack::new(open(CWD, dir.path())).unwrap();
        let mut path = dir.path().to_owned();
        for depth in 0..2 * KEPT_OPEN {
            path.push(format!("{depth}"));
            std::fs::create_dir(&path).unwrap();
            stack.enter(open(CWD, &path)).unwrap();
        }
        let moved: std::path::PathBuf = path
            .iter()
            .take(path.iter().count() - KEPT_OPEN + 1)
            .collect();
        std::fs::rename(moved, dir.path().join("elsewhere")).unwrap();
        let error = std::iter::from_fn(|| Some(stack.leave()))
            .take(KEPT_OPEN + 1)
            .find_map(Result::err);
        assert_eq!(error, Some(Errno::STALE));
    }
}
