//! A drive by either of its nodes: `lto:` sections name the sg node, `linux:` sections the tape node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

use crate::discovery::{DeviceTree, ST_MAJOR};
use crate::error::LinuxError;
use crate::mtio::TapeNode;
use crate::sg::{SgOptions, SgTransport};

/// An open drive. All commands go through the sg node; a tape node stays open beside it to keep others out.
#[derive(Debug)]
pub struct TapeTransport {
    sg: SgTransport,
    guard: Option<TapeNode>,
}

impl TapeTransport {
    /// Opens the drive that `path` names: an sg node, a tape node that does not rewind, or a link to one of them.
    ///
    /// # Errors
    /// [`LinuxError::InUse`] if another process has the tape node; [`LinuxError::NoGenericNode`] without the sg driver; else as
    /// [`SgTransport::open`] and [`TapeNode::open`].
    pub fn open(path: &Path, tree: &DeviceTree, options: SgOptions) -> Result<Self, LinuxError> {
        let found = rustix::fs::stat(path).map_err(|errno| LinuxError::open(path, errno))?;
        if rustix::fs::major(found.st_rdev) != ST_MAJOR {
            let sg = SgTransport::open(path, options)?;
            return Ok(Self { sg, guard: None });
        }
        // The guard first: while somebody else has the drive, it gets no command from here.
        let guard = TapeNode::open(path)?;
        let node = generic_node(path, rustix::fs::minor(found.st_rdev), tree)?;
        let sg = SgTransport::open(node, options)?;
        Ok(Self {
            sg,
            guard: Some(guard),
        })
    }

    /// Also opens the drive's tape node if it was not opened by it, so that users of st stay away.
    ///
    /// # Errors
    /// [`LinuxError::InUse`] if another process has it. Everything else that keeps the node from being opened (no st driver, no
    /// permission) only means that nobody can be kept away.
    pub fn hold_tape_node(&mut self, tree: &DeviceTree) -> Result<(), LinuxError> {
        if self.guard.is_some() {
            return Ok(());
        }
        let node = tree
            .find(self.sg.path())
            .ok()
            .flatten()
            .and_then(|device| device.tape_node);
        match node.map(TapeNode::open) {
            Some(Ok(guard)) => self.guard = Some(guard),
            Some(Err(error @ LinuxError::InUse { .. })) => return Err(error),
            Some(Err(_)) | None => {}
        }
        Ok(())
    }

    /// Both nodes.
    pub fn into_parts(self) -> (SgTransport, Option<TapeNode>) {
        (self.sg, self.guard)
    }

    /// The sg node.
    pub fn sg(&self) -> &SgTransport {
        &self.sg
    }

    /// The tape node, if that was opened.
    pub fn tape_node(&self) -> Option<&TapeNode> {
        self.guard.as_ref()
    }
}

fn generic_node(path: &Path, minor: u32, tree: &DeviceTree) -> Result<PathBuf, LinuxError> {
    tree.sg_of_tape_number(minor)
        .map(|sg| tree.node(&sg))
        .ok_or_else(|| LinuxError::NoGenericNode {
            path: path.to_owned(),
        })
}

impl Transport for TapeTransport {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        self.sg.execute(cdb, data, timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_tape_node_leads_to_its_generic_node() {
        let root = tempfile::TempDir::new().unwrap();
        let class = root.path().join("sys/class/scsi_tape/nst1");
        fs::create_dir_all(class.join("device/scsi_generic/sg4")).unwrap();
        fs::write(class.join("dev"), "9:129\n").unwrap();
        let tree = DeviceTree::below(root.path());
        let path = Path::new("/dev/nst1");
        assert_eq!(
            generic_node(path, 129, &tree).unwrap(),
            root.path().join("dev/sg4")
        );
        let error = generic_node(path, 130, &tree).unwrap_err();
        assert!(error.to_string().contains("modprobe sg"), "{error}");
    }

    #[test]
    fn other_files() {
        let tree = DeviceTree::system();
        let open = |path: &str| TapeTransport::open(Path::new(path), &tree, SgOptions::default());
        assert!(matches!(
            open("/dev/null").unwrap_err(),
            LinuxError::WrongNode { .. }
        ));
        assert!(matches!(
            open("/dev/no-such-node").unwrap_err(),
            LinuxError::NoDevice { .. }
        ));
    }
}
