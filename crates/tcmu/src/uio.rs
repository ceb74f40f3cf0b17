//! A device of target_core_user as its UIO node shows it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ferrite_scsi::Transport;

use crate::memory::SharedMemory;
use crate::ring::{Ring, RingError};

/// Which configurations are ours: `dev_config=ferrite/<unit>`.
const CONFIG_PREFIX: &str = "ferrite/";

/// Why a device cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum UioError {
    /// A file of /sys or the node.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of /sys says something unexpected.
    #[error("{} contains {found:?}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What stands in it.
        found: String,
    },
    /// What the kernel wrote makes no sense.
    #[error("{}: {source}", path.display())]
    Ring {
        /// The node.
        path: PathBuf,
        /// What is wrong.
        source: RingError,
    },
}

/// The units that wait to be served: name in `dev_config=ferrite/<name>`, and node. By name.
///
/// # Errors
/// If /sys/class/uio, here below `root`, cannot be read.
pub fn find_units(root: &Path) -> Result<Vec<(String, PathBuf)>, UioError> {
    let class = root.join("sys/class/uio");
    let file_error = |source| UioError::File {
        path: class.clone(),
        source,
    };
    let mut units = Vec::new();
    for entry in fs::read_dir(&class).map_err(file_error)? {
        let folder = entry.map_err(file_error)?.path();
        // tcm-user/<host bus adapter>/<device>/<dev_config>
        let name = fs::read_to_string(folder.join("name")).unwrap_or_default();
        let config = name.trim_end().splitn(4, '/').nth(3);
        let unit = config.and_then(|config| config.strip_prefix(CONFIG_PREFIX));
        if let (Some(unit), Some(node), true) =
            (unit, folder.file_name(), name.starts_with("tcm-user/"))
        {
            units.push((unit.to_owned(), root.join("dev").join(node)));
        }
    }
    units.sort();
    Ok(units)
}

/// An open UIO node with its ring.
#[derive(Debug)]
pub struct UioDevice {
    path: PathBuf,
    node: File,
    ring: Ring,
}

impl UioDevice {
    /// Maps the mailbox of `/dev/uioN`, here below `root`.
    ///
    /// # Errors
    /// A node that cannot be opened or is no mailbox.
    pub fn open(root: &Path, path: &Path) -> Result<Self, UioError> {
        let size_file = root
            .join("sys/class/uio")
            .join(path.file_name().unwrap_or_default())
            .join("maps/map0/size");
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| UioError::File { path, source }
        };
        let text = fs::read_to_string(&size_file).map_err(at(&size_file))?;
        let digits = text.trim().trim_start_matches("0x");
        let Ok(bytes) = usize::from_str_radix(digits, 16) else {
            return Err(UioError::Content {
                path: size_file,
                found: text,
            });
        };
        let node = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(at(path))?;
        let memory = SharedMemory::map(&node, bytes).map_err(at(path))?;
        let ring = Ring::new(memory).map_err(|source| UioError::Ring {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            node,
            ring,
        })
    }

    /// Serves until something fails.
    ///
    /// # Errors
    /// Always: why it stopped.
    pub fn serve(
        &mut self,
        transport: &mut dyn Transport,
    ) -> Result<std::convert::Infallible, UioError> {
        loop {
            // Before waiting: what came before the node was opened is announced by nothing.
            let entries = self
                .ring
                .serve(transport)
                .map_err(|source| UioError::Ring {
                    path: self.path.clone(),
                    source,
                })?;
            let mut count = [0; 4];
            let woken = if entries > 0 {
                self.node.write_all(&count)
            } else {
                Ok(())
            };
            woken
                .and_then(|()| self.node.read_exact(&mut count))
                .map_err(|source| UioError::File {
                    path: self.path.clone(),
                    source,
                })?;
        }
    }
}
