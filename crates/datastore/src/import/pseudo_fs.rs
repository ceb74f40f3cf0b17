//! File systems that show the kernel's state as files. They hold nothing to back up, and some of their files never end.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// `f_type` of each, from linux/magic.h and the kernel's sources.
const TYPES: &[(u32, &str)] = &[
    (0x0000_9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x0000_1cd1, "devpts"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x6165_676c, "pstore"),
    (0xcafe_4a11, "bpf"),
    (0x1980_0202, "mqueue"),
    (0xde5e_81e4, "efivarfs"),
    (0x0000_0187, "autofs"),
    (0x6265_6570, "configfs"),
    (0x6573_5543, "fusectl"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6e73_6673, "nsfs"),
    (0x6759_6969, "rpc_pipefs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x4341_5d53, "smackfs"),
    (0x9584_58f6, "hugetlbfs"),
    (0x0bad_1dea, "futexfs"),
    (0x0000_9fa2, "usbdevfs"),
];

/// Name of the pseudo file system that `directory` is on; `None` when it is a real one.
pub(super) fn pseudo_file_system(directory: impl AsFd) -> Result<Option<&'static str>, Errno> {
    let found = rustix::fs::fstatfs(directory)?.f_type;
    // The field's sign and width differ between architectures; the numbers have 32 bits.
    #[allow(
        clippy::unnecessary_cast,
        reason = "not unnecessary on all architectures"
    )]
    let found = found as u64 as u32;
    let known = TYPES.iter().find(|(number, _)| *number == found);
    Ok(known.map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_proc() {
        let open = |path: &str| std::fs::File::open(path).unwrap();
        assert_eq!(pseudo_file_system(open("/proc")).unwrap(), Some("proc"));
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            pseudo_file_system(open(dir.path().to_str().unwrap())).unwrap(),
            None
        );
    }
}
