//! A library of Debian's tgt: its own process on a free port of the loopback interface, two drives, eight slots, two mail slots.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ferrite_iscsi::{Iscsi, IscsiTransport};
use ferrite_scsi::{Changer, ChangerOptions, Transport};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

const TARGET: &str = "iqn.2024-01.test:vtl";
pub const CHANGER_LUN: u8 = 3;
pub const DRIVE_LUN: u8 = 1;
/// A test that takes longer hangs.
const LIFETIME_S: &str = "120";
/// Bar codes of the cartridges, in the first slots.
pub const TAPES: [&str; 3] = ["TAPE01L8", "TAPE02L8", "TAPE03L8"];
pub const FIRST_SLOT: u16 = 4096;
pub const FIRST_DRIVE: u16 = 256;

/// A running tgtd.
pub struct Site {
    server: Child,
    tree: PathBuf,
    folder: TempDir,
    portal: String,
    iscsi: Iscsi,
}

/// The tree of `scripts/debian-tree tgt`: `$FERRITE_TGT`, or where the script puts it. Prints why not.
pub fn tree() -> Option<PathBuf> {
    let cache = |name: &str, below: &str| Some(PathBuf::from(std::env::var_os(name)?).join(below));
    let tree = cache("FERRITE_TGT", "")
        .or_else(|| cache("FERRITE_TOOLS", "debian-tgt"))
        .or_else(|| cache("XDG_CACHE_HOME", "ferrite/tools/debian-tgt"))
        .or_else(|| cache("HOME", ".cache/ferrite/tools/debian-tgt"))?;
    if tree.join(".complete").exists() {
        return Some(tree);
    }
    // Past the test harness, which keeps what passing tests print.
    let _ = writeln!(
        std::io::stderr(),
        "SKIP tgt: nothing at {} (scripts/debian-tree tgt)",
        tree.display()
    );
    None
}

fn libraries(tree: &Path) -> PathBuf {
    let folders = std::fs::read_dir(tree.join("usr/lib")).unwrap();
    folders
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .unwrap()
}

impl Site {
    pub fn start(tree: PathBuf) -> Self {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let portal = format!("127.0.0.1:{port}");
        let server = Self::program(&tree, folder.path(), "usr/sbin/tgtd")
            .args(["-f", "--iscsi", &format!("portal={portal}")])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("tgtd.log")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let site = Self {
            server,
            iscsi: Iscsi::load(&tree).unwrap(),
            tree,
            folder,
            portal,
        };
        let start = Instant::now();
        while TcpStream::connect(&site.portal).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "tgtd does not answer"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        site.set_up();
        site
    }

    /// A program of the tree, which ends by itself if this test does not end it.
    fn program(tree: &Path, folder: &Path, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["-s", "KILL", LIFETIME_S])
            .arg(tree.join(program))
            .env("LD_LIBRARY_PATH", libraries(tree))
            .env("TGT_IPC_SOCKET", folder.join("ipc"));
        command
    }

    fn run(&self, program: &str, arguments: &str) {
        let output = Self::program(&self.tree, self.folder.path(), program)
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments}: {said}");
    }

    fn administer(&self, arguments: &str) {
        self.run("usr/sbin/tgtadm", &format!("--lld iscsi {arguments}"));
    }

    fn update(&self, lun: u8, parameters: &str) {
        self.administer(&format!(
            "--mode logicalunit --op update --tid 1 --lun {lun} --params {parameters}"
        ));
    }

    fn tape_file(&self, tag: &str) -> PathBuf {
        self.folder.path().join(tag)
    }

    fn make_tape(&self, tag: &str) {
        let file = self.tape_file(tag);
        if file.exists() {
            std::fs::remove_file(&file).unwrap();
        }
        let file = file.display();
        self.run(
            "usr/sbin/tgtimg",
            &format!(
                "--op new --device-type tape --barcode {tag} --size 64 --type data --file {file}"
            ),
        );
    }

    fn set_up(&self) {
        let folder = self.folder.path().display();
        std::fs::write(self.folder.path().join("smc"), [0; 1024]).unwrap();
        for tag in TAPES.iter().chain(&["none"]) {
            self.make_tape(tag);
        }
        self.administer(&format!("--op new --mode target --tid 1 -T {TARGET}"));
        for lun in [1, 2] {
            self.administer(&format!(
                "--mode logicalunit --op new --tid 1 --lun {lun} -b {folder}/none --device-type=tape"
            ));
            self.update(lun, &format!("vendor_id=IBM,product_id=ULT3580-TD8,product_rev=0001,scsi_sn=DRV0000{lun},online=0"));
        }
        self.administer(&format!(
            "--mode logicalunit --op new --tid 1 --lun 3 -b {folder}/smc --device-type=changer"
        ));
        for parameters in [
            &*format!(
                "vendor_id=IBM,product_id=3573-TL,product_rev=0001,scsi_sn=CHG00001,media_home={folder}"
            ),
            "element_type=1,start_address=1,quantity=1",
            "element_type=4,start_address=256,quantity=2",
            "element_type=4,address=256,tid=1,lun=1",
            "element_type=4,address=257,tid=1,lun=2",
            "element_type=2,start_address=4096,quantity=8",
            "element_type=3,start_address=16,quantity=2",
        ] {
            self.update(CHANGER_LUN, parameters);
        }
        for (tag, address) in TAPES.iter().zip(FIRST_SLOT..) {
            self.update(
                CHANGER_LUN,
                &format!("element_type=2,address={address},barcode={tag},sides=1"),
            );
        }
        self.administer("--op bind --mode target --tid 1 -I ALL");
    }

    /// A session of its own.
    pub fn connect(&self, lun: u8) -> IscsiTransport {
        self.iscsi.connect(&self.portal, TARGET, lun).unwrap()
    }

    pub fn changer(&self) -> Changer {
        Changer::open(self.connect(CHANGER_LUN), ChangerOptions::default()).unwrap()
    }

    /// Everything back in its slot.
    pub fn tidy(&self) {
        let mut changer = self.changer();
        let status = changer.status().unwrap();
        for (number, drive) in (0..).zip(&status.drives) {
            if let Some(tag) = drive.content.tag() {
                let home = 1 + TAPES.iter().position(|tape| *tape == tag).unwrap() as u32;
                changer.unload(number, Some(home)).unwrap();
            }
        }
    }

    /// A drive with a blank tape in it.
    pub fn blank_drive(&self) -> Box<dyn Transport> {
        self.tidy();
        self.make_tape(TAPES[0]);
        self.changer().load(1, 0).unwrap();
        Box::new(self.connect(DRIVE_LUN))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.server.id() as i32) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.server.wait();
    }
}
