//! crates/linux on real nodes: which nodes there are, who may open them, what the tape driver's own ioctls do, how much fits into
//! one command.

use std::path::Path;
use std::time::Duration;

use ferrite_linux::discovery::DeviceKind;
use ferrite_linux::mtio::{OptionChange, option_bit};
use ferrite_linux::{LinuxError, SgOptions, SgTransport, TapeNode, TapeTransport};
use ferrite_scsi::command::{Write, WriteFilemarks};
use ferrite_scsi::inquiry::{InquiryCommand, VPD_UNIT_SERIAL_NUMBER, parse_serial};
use ferrite_scsi::{Data, Transport, TransportError};

use crate::Failure;
use crate::bench::{Bench, succeed};

type Check = fn(&Bench) -> Result<(), Failure>;

const CHECKS: &[(&str, Check)] = &[
    ("devices-are-found", devices_are_found),
    ("names-lead-to-each-other", names_lead_to_each_other),
    ("serials-are-the-devices-own", serials),
    ("wrong-nodes-are-refused", wrong_nodes),
    ("tape-node-is-a-guard", guard),
    ("exclusive-generic-node", exclusive),
    ("status-of-the-tape-node", tape_status),
    ("block-length-of-the-tape-node", block_length),
    ("options-of-the-tape-node", options),
    ("transfers-too-large", transfers_too_large),
];

/// Runs all checks; true if nothing is wrong.
pub fn check(bench: &Bench) -> Result<bool, Failure> {
    let mut good = true;
    println!("nodes: {} checks", CHECKS.len());
    for (name, check) in CHECKS {
        match check(bench) {
            Ok(()) => println!("ok      {name}"),
            Err(failure) => {
                good = false;
                println!("FAILED  {name}: {failure}");
            }
        }
    }
    Ok(good)
}

fn expect(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if condition {
        Ok(())
    } else {
        Err(otherwise().into())
    }
}

fn devices_are_found(bench: &Bench) -> Result<(), Failure> {
    let devices = bench.tree.scan()?;
    let count = |kind| devices.iter().filter(|device| device.kind == kind).count();
    expect(
        count(DeviceKind::Tape) >= 1 && count(DeviceKind::Changer) >= 1,
        || format!("{devices:?}"),
    )?;
    for device in &devices {
        let link = device
            .by_id
            .as_ref()
            .ok_or_else(|| format!("{device:?} has no name that stays"))?;
        let found = bench.tree.find(link)?;
        expect(found.as_ref() == Some(device), || {
            format!("{} leads to {found:?}", link.display())
        })?;
        expect(
            device.vendor != "unknown" && device.model != "unknown",
            || format!("{device:?}"),
        )?;
    }
    Ok(())
}

fn names_lead_to_each_other(bench: &Bench) -> Result<(), Failure> {
    let device = bench.tree.find(&bench.drive)?.ok_or("no such drive")?;
    let tape = bench.tape_name()?;
    expect(
        bench.tree.sg_of_tape(&tape).as_deref() == Some(&device.name),
        || format!("{tape} and {}", device.name),
    )?;
    for node in [tape.clone(), tape.replacen('n', "", 1), format!("{tape}a")] {
        let found = bench.tree.find(&bench.node(&node))?;
        expect(found.as_ref() == Some(&device), || {
            format!("{node} is of {found:?}")
        })?;
    }
    let changer = bench.tree.find(&bench.changer)?.ok_or("no such changer")?;
    let node = bench.tree.changer_node_of_sg(&changer.name);
    expect(
        node.as_ref().is_some_and(|node| bench.node(node).exists()),
        || format!("{node:?}"),
    )
}

fn serials(bench: &Bench) -> Result<(), Failure> {
    for (transport, path) in [
        (
            Box::new(bench.drive_transport()?) as Box<dyn Transport>,
            &bench.drive,
        ),
        (Box::new(bench.changer_transport()?), &bench.changer),
    ] {
        let mut transport = transport;
        let mut page = [0; 255];
        let cdb = InquiryCommand {
            page: Some(VPD_UNIT_SERIAL_NUMBER),
            allocation: 255,
        }
        .cdb();
        let completion = transport.execute(&cdb, Data::In(&mut page), Duration::from_secs(60))?;
        let serial = parse_serial(&page[..page.len() - completion.residual]);
        let scanned = bench.tree.find(path)?.map(|device| device.serial);
        expect(serial.is_some() && serial == scanned, || {
            format!("{serial:?} and {scanned:?}")
        })?;
    }
    Ok(())
}

fn wrong_nodes(bench: &Bench) -> Result<(), Failure> {
    let tape = bench.tape_name()?;
    let generic = bench.tree.find(&bench.drive)?.ok_or("no such drive")?.node;
    match SgTransport::open(bench.node(&tape), SgOptions::default()) {
        Err(error @ LinuxError::WrongNode { .. }) => {
            expect(
                error.to_string().contains(&*generic.to_string_lossy()),
                || error.to_string(),
            )?;
        }
        other => return Err(format!("{tape} as a generic node: {other:?}").into()),
    }
    let rewinding = bench.node(&tape.replacen('n', "", 1));
    match TapeNode::open(&rewinding) {
        Err(LinuxError::WrongNode { .. }) => Ok(()),
        other => Err(format!("{}: {other:?}", rewinding.display()).into()),
    }
}

fn guard(bench: &Bench) -> Result<(), Failure> {
    bench.blank_drive()?;
    let tape = bench.node(&bench.tape_name()?);
    let first = TapeTransport::open(&tape, &bench.tree, SgOptions::default())?;
    expect(first.tape_node().is_some(), || {
        "the tape node is not held".to_owned()
    })?;
    match TapeTransport::open(&tape, &bench.tree, SgOptions::default()) {
        Err(LinuxError::InUse { .. }) => {}
        other => return Err(format!("opened twice: {other:?}").into()),
    }
    // Other programs are kept away as well.
    match std::fs::File::open(&tape) {
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {}
        other => return Err(format!("opened by another program: {other:?}").into()),
    }
    drop(first);
    TapeNode::open(&tape)?;
    Ok(())
}

fn exclusive(bench: &Bench) -> Result<(), Failure> {
    let node = bench.tree.find(&bench.drive)?.ok_or("no such drive")?.node;
    let options = SgOptions { exclusive: true };
    let first = SgTransport::open(&node, options)?;
    match SgTransport::open(&node, options) {
        Err(LinuxError::InUse { .. }) => {}
        other => return Err(format!("opened twice: {other:?}").into()),
    }
    drop(first);
    SgTransport::open(&node, SgOptions::default())?;
    Ok(())
}

/// Position and density are not looked at: the driver did not see the commands that went past it.
fn tape_status(bench: &Bench) -> Result<(), Failure> {
    bench.blank_drive()?;
    let node = TapeNode::open(bench.node(&bench.tape_name()?))?;
    let status = node.status()?;
    let found: Vec<_> = status.flags().collect();
    expect(found.contains(&"ONLINE"), || format!("{found:?}"))?;
    expect(
        !found.contains(&"WR_PROT") && !found.contains(&"DR_OPEN"),
        || format!("{found:?}"),
    )?;
    expect(status.block_bytes == 0, || format!("{status:?}"))
}

fn block_length(bench: &Bench) -> Result<(), Failure> {
    let path = bench.node(&bench.tape_name()?);
    let node = TapeNode::open(&path)?;
    for bytes in [512, 0] {
        node.set_block_bytes(bytes)?;
        let found = node.status()?.block_bytes;
        expect(found == bytes, || format!("{found} instead of {bytes}"))?;
    }
    Ok(())
}

/// The driver shows its options in /sys, in the bits of MTSETDRVBUFFER.
fn options(bench: &Bench) -> Result<(), Failure> {
    let tape = bench.tape_name()?;
    let node = TapeNode::open(bench.node(&tape))?;
    let file = Path::new("/sys/class/scsi_tape")
        .join(&tape)
        .join("options");
    let read = || -> Result<u32, Failure> {
        let text = std::fs::read_to_string(&file)?;
        Ok(u32::from_str_radix(
            text.trim().trim_start_matches("0x"),
            16,
        )?)
    };
    let before = read()?;
    let sili = option_bit("sili").ok_or("no option sili")?;
    let logical = option_bit("scsi2logical").ok_or("no option scsi2logical")?;
    node.change_options(OptionChange::Clear, sili)?;
    expect(read()? & sili == 0, || "sili was not cleared".to_owned())?;
    node.change_options(OptionChange::Set, sili | logical)?;
    let set = read()?;
    expect(set & (sili | logical) == sili | logical, || {
        format!("{set:08x}")
    })?;
    node.change_options(OptionChange::Replace, before & !sili)?;
    let replaced = read()?;
    expect(replaced & sili == 0, || format!("{replaced:08x}"))?;
    node.change_options(OptionChange::Replace, before)?;
    Ok(())
}

fn transfers_too_large(bench: &Bench) -> Result<(), Failure> {
    let mut transport = bench.blank_drive()?;
    let block = vec![1; 4 << 20];
    let cdb = Write {
        fixed: false,
        length: block.len() as u32,
    }
    .cdb();
    let error = transport
        .execute(&cdb, Data::Out(&block), Duration::from_secs(60))
        .err();
    let too_large = TransportError::TransferTooLarge { bytes: block.len() };
    expect(error.as_ref() == Some(&too_large), || format!("{error:?}"))?;
    let words = transport
        .sg()
        .explain_transfer_limit(&bench.tree, block.len());
    expect(words.contains("segments"), || words.clone())?;
    // It was not executed, and the device is as it was.
    succeed(
        &mut transport,
        &WriteFilemarks {
            count: 1,
            immediate: false,
        }
        .cdb(),
    )?;
    Ok(())
}
