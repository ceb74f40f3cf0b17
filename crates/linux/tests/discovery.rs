//! Discovery on made-up device trees.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ferrite_linux::{DeviceKind, DeviceTree, LinuxError};
use tempfile::TempDir;

struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// A SCSI device with its sg node, laid out as the kernel does.
    fn device(&self, sg: u32, address: &str, kind: &str) {
        let device = format!("sys/devices/host/{address}");
        let node = format!("{device}/scsi_generic/sg{sg}");
        self.write(&format!("{device}/type"), format!("{kind}\n"));
        self.write(&format!("{device}/vendor"), "IBM     \n");
        self.write(&format!("{device}/model"), "ULT3580-TD8     \n");
        self.write(&format!("{node}/dev"), format!("21:{sg}\n"));
        self.link(&format!("{node}/device"), "../..");
        self.link(
            &format!("sys/class/scsi_generic/sg{sg}"),
            format!("../../devices/host/{address}/scsi_generic/sg{sg}"),
        );
    }

    /// st nodes of a device.
    fn tape(&self, number: u32, address: &str) {
        let device = format!("sys/devices/host/{address}");
        for (name, minor) in [
            (format!("st{number}"), number),
            (format!("st{number}a"), number + 96),
            (format!("nst{number}"), number + 128),
            (format!("nst{number}a"), number + 224),
        ] {
            let node = format!("{device}/scsi_tape/{name}");
            self.write(&format!("{node}/dev"), format!("9:{minor}\n"));
            self.link(&format!("{node}/device"), "../..");
            self.link(
                &format!("sys/class/scsi_tape/{name}"),
                format!("../../devices/host/{address}/scsi_tape/{name}"),
            );
        }
    }

    fn udev(&self, sg: u32, properties: &str) {
        self.write(&format!("run/udev/data/c21:{sg}"), properties);
    }

    fn tree(&self) -> DeviceTree {
        DeviceTree::below(self.0.path())
    }
}

/// A disk, a changer and two drives; sg10 so that numbers and names sort differently.
fn library() -> Tree {
    let tree = Tree::new();
    tree.device(0, "0:0:0:0", "0");
    tree.device(10, "2:0:0:0", "1");
    tree.device(2, "2:0:1:0", "1");
    tree.device(3, "2:0:0:1", "8");
    tree.udev(0, "E:ID_SCSI_SERIAL=DISK\n");
    tree.udev(
        10,
        "I:123\nE:ID_SCSI_SERIAL=DRV10\nE:ID_VENDOR=IBM\nE:ID_MODEL=ULTRIUM-HH8\nG:systemd\n",
    );
    tree.udev(2, "E:ID_SCSI_SERIAL=DRV2\n");
    tree.udev(3, "E:ID_SCSI_SERIAL=LIB\nE:ID_VENDOR=EXAMPLE\n");
    tree.link("dev/tape/by-id/scsi-DRV10-sg", "../../sg10");
    tree.link("dev/tape/by-id/scsi-DRV10-nst", "../../nst0");
    tree.link("dev/tape/by-id/scsi-LIB", "../../sg3");
    tree.tape(0, "2:0:0:0");
    tree.tape(1, "2:0:1:0");
    tree.write("sys/devices/host/2:0:0:1/scsi_changer/sch0/dev", "86:0\n");
    tree.write("sys/class/scsi_host/host2/sg_tablesize", "128\n");
    tree
}

#[test]
fn scan() {
    let tree = library();
    let found = tree.tree().scan().unwrap();
    let summary: Vec<_> = found
        .iter()
        .map(|device| {
            (
                device.kind,
                device.name.as_str(),
                device.serial.as_str(),
                device.vendor.as_str(),
                device.model.as_str(),
                (device.major, device.minor),
            )
        })
        .collect();
    use DeviceKind::{Changer, Tape};
    assert_eq!(
        summary,
        [
            // udev knows no vendor and model: the kernel does
            (Tape, "sg2", "DRV2", "IBM", "ULT3580-TD8", (21, 2)),
            (Changer, "sg3", "LIB", "EXAMPLE", "ULT3580-TD8", (21, 3)),
            (Tape, "sg10", "DRV10", "IBM", "ULTRIUM-HH8", (21, 10)),
        ]
    );
    // no rule made a link for this one
    assert_eq!(found[0].by_id, None);
    assert_eq!(found[0].path(), tree.path("dev/sg2"));
    assert_eq!(found[1].path(), tree.path("dev/tape/by-id/scsi-LIB"));
    assert_eq!(found[2].path(), tree.path("dev/tape/by-id/scsi-DRV10-sg"));
    let tape = |device: usize| {
        (
            found[device].tape_node.clone(),
            found[device].tape_by_id.clone(),
        )
    };
    assert_eq!(tape(0), (Some(tree.path("dev/nst1")), None));
    assert_eq!(tape(1), (None, None));
    assert_eq!(
        tape(2),
        (
            Some(tree.path("dev/nst0")),
            Some(tree.path("dev/tape/by-id/scsi-DRV10-nst"))
        )
    );
    tree.write(
        "sys/devices/host/2:0:0:0/scsi_tape/nst0/options",
        "0x00000d07\n",
    );
    assert_eq!(tree.tree().tape_options("nst0"), Some(0xD07));
    assert_eq!(tree.tree().tape_options("nst1"), None);
}

/// The ch driver's class, which not every kernel has loaded.
fn tree_changer(tree: &Tree) {
    let device = "sys/devices/host/2:0:0:1";
    tree.link(&format!("{device}/scsi_changer/sch0/device"), "../..");
    tree.link(
        "sys/class/scsi_changer/sch0",
        "../../devices/host/2:0:0:1/scsi_changer/sch0",
    );
}

#[test]
fn nodes_of_one_drive() {
    let library = library();
    let tree = library.tree();
    assert_eq!(tree.sg_of_tape("nst0").as_deref(), Some("sg10"));
    assert_eq!(tree.sg_of_tape("nst1").as_deref(), Some("sg2"));
    assert_eq!(tree.sg_of_tape("nst2"), None);
    assert_eq!(tree.tape_of_sg("sg10").as_deref(), Some("nst0"));
    assert_eq!(tree.tape_of_sg("sg3"), None);
    assert_eq!(tree.changer_node_of_sg("sg3").as_deref(), Some("sch0"));
    assert_eq!(tree.changer_node_of_sg("sg2"), None);
    // any node of a drive leads to it, by number
    for minor in [1, 97, 129, 225] {
        let drive = tree.find_number(9, minor).unwrap().unwrap();
        assert_eq!(drive.serial, "DRV2", "{minor}");
    }
    assert_eq!(tree.find_number(21, 3).unwrap().unwrap().serial, "LIB");
    tree_changer(&library);
    assert_eq!(tree.find_number(86, 0).unwrap().unwrap().serial, "LIB");
    assert_eq!(tree.find_number(86, 1).unwrap(), None);
    assert_eq!(tree.find_number(21, 0).unwrap(), None);
    assert_eq!(tree.find_number(9, 2).unwrap(), None);
    assert!(matches!(
        tree.find(Path::new("/dev/no-such-node")),
        Err(LinuxError::NoDevice { .. })
    ));
    assert_eq!(tree.find(Path::new("/dev/null")).unwrap(), None);
}

#[test]
fn transfer_limit() {
    let library = library();
    let limit = library.tree().transfer_limit("sg10").unwrap();
    assert_eq!((limit.host, limit.segments, limit.bytes), (2, 128, 524_288));
    assert_eq!(library.tree().transfer_limit("sg0"), None);
}

#[test]
fn serial_number_without_udev() {
    let tree = Tree::new();
    tree.device(1, "1:0:0:0", "1");
    assert_eq!(tree.tree().scan().unwrap(), []);
    // page 80h as the kernel keeps it
    tree.write(
        "sys/devices/host/1:0:0:0/vpd_pg80",
        b"\x01\x80\x00\x0A    123456",
    );
    let found = tree.tree().scan().unwrap();
    assert_eq!(found[0].serial, "123456");
    assert_eq!(found[0].path(), tree.path("dev/sg1"));
}

#[test]
fn links_to_other_nodes_do_not_count() {
    let tree = library();
    // two paths to one drive have one serial number and one link
    tree.device(4, "3:0:0:0", "1");
    tree.udev(4, "E:ID_SCSI_SERIAL=DRV10\n");
    let found = tree.tree().scan().unwrap();
    let second = found.iter().find(|device| device.name == "sg4").unwrap();
    assert_eq!(second.by_id, None);
    // a serial number is no way out of the folder
    tree.udev(4, "E:ID_SCSI_SERIAL=../../x\n");
    assert_eq!(tree.tree().scan().unwrap().len(), 4);
}

#[test]
fn trees_that_are_broken() {
    let tree = Tree::new();
    assert_eq!(tree.tree().scan().unwrap(), []);
    tree.write("sys/class/scsi_generic/sg0/dev", "21:0\n");
    tree.write("sys/class/scsi_generic/sgx/dev", "21:1\n");
    tree.write("sys/class/scsi_generic/sg1/dev", "no numbers\n");
    tree.write("sys/class/scsi_generic/sg1/device/type", "1\n");
    tree.write("sys/class/scsi_generic/sg2/dev", "21:2\n");
    tree.write("sys/class/scsi_generic/sg2/device/type", [0xFF, 0xFE]);
    tree.link("sys/class/scsi_generic/sg3", "nowhere");
    assert_eq!(tree.tree().scan().unwrap(), []);
    let file = Tree::new();
    file.write("sys/class/scsi_generic", "");
    assert!(matches!(file.tree().scan(), Err(LinuxError::Tree { .. })));
}
