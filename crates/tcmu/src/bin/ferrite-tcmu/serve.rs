//! The server: an emulated library behind the kernel's devices.
//!
//! Units are named as the library's device files: `drive0`, `drive1`, `changer`.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, open_device};
use ferrite_tcmu::{UioDevice, find_units};

use crate::Failure;

/// Makes a library of two drives with small tapes.
pub fn create(library: &Path, capacity_bytes: u64) -> Result<bool, Failure> {
    let options = LibraryOptions {
        drives: 2,
        slots: 8,
        import_export: 2,
        cartridges: Some(3),
        cleaning_cartridges: 1,
        capacity_bytes: Some(capacity_bytes),
        serial: Some("GUEST".to_owned()),
        ..LibraryOptions::default()
    };
    EmulatedLibrary::create(library, &options)?;
    Ok(true)
}

/// Serves every device that waits for a unit of ours, each on a thread of its own, until one of them fails. Prints a line when
/// all of them are served: only then may the kernel look for logical units, else it waits for ever.
pub fn serve(library: &Path) -> Result<bool, Failure> {
    let root = Path::new("/");
    let units = find_units(root)?;
    if units.is_empty() {
        return Err("no device of target_core_user waits for a unit of Ferrite".into());
    }
    let mut devices = Vec::new();
    for (unit, node) in units {
        let transport = open_device(library.join(&unit))?;
        devices.push((unit, UioDevice::open(root, &node)?, transport));
    }
    println!("serving {} units", devices.len());
    let (failed, failure) = mpsc::channel();
    for (unit, mut device, mut transport) in devices {
        let failed = failed.clone();
        thread::spawn(move || {
            let Err(error) = device.serve(&mut *transport);
            // Nobody listens if another one failed before.
            let _ = failed.send(format!("{unit}: {error}"));
        });
    }
    Err(failure.recv()?.into())
}
