//! The changer's host logic against a library in memory, with the quirks and faults of real ones.

#![allow(clippy::unwrap_used, reason = "tests")]

mod library;

use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::changer::{CartridgeAt, Content, exception_text};
use ferrite_scsi::conformance::{ChangerProfile, changer_conformance};
use ferrite_scsi::element::ElementType;
use ferrite_scsi::opcode::OperationCode as Op;
use ferrite_scsi::sense::SenseKey as K;
use ferrite_scsi::{Changer, ChangerError, ChangerOptions, ErrorClass, Place, Transport};
use library::{DRIVES, Fault, Library, MAIL, Quirks, ROBOT, STORAGE, sense};

fn open(library: &Library) -> Changer {
    let options = ChangerOptions {
        clock: Box::new(library.clone()),
        ..ChangerOptions::default()
    };
    Changer::open(library.clone(), options).unwrap()
}

fn tagged(tag: &str) -> Content {
    Content::Tagged(tag.to_owned())
}

#[test]
fn conforms() {
    let mut make = || Box::new(Library::new(8)) as Box<dyn Transport>;
    let profile = ChangerProfile {
        new_initiator: true,
    };
    let report = changer_conformance(&mut make, profile);
    assert_eq!(report.failures().count(), 0, "\n{report}");
    assert_eq!(report.outcomes.len(), 18);
}

#[test]
fn conformance_finds_what_is_wrong() {
    let mut make = || {
        let quirks = Quirks {
            forgotten_bytes: 8,
            no_identifiers: true,
            ..Quirks::default()
        };
        Box::new(Library::with(8, quirks)) as Box<dyn Transport>
    };
    let profile = ChangerProfile {
        new_initiator: false,
    };
    let report = changer_conformance(&mut make, profile);
    let failed: Vec<_> = report.failures().map(|outcome| outcome.name).collect();
    assert!(failed.contains(&"element-counts"), "{report}");
    assert!(failed.contains(&"drive-identifiers"), "{report}");
    assert!(!failed.contains(&"changer-inquiry"), "{report}");
}

#[test]
fn status_numbers_slots_and_drives() {
    let library = Library::new(4);
    library.state().element(STORAGE + 2).unwrap().exception = Some(A(0x83, 0x09));
    let status = open(&library).status().unwrap();
    assert_eq!(status.slots.len(), 6);
    assert_eq!(status.slot(1).unwrap().content, tagged("ABC123L8"));
    assert_eq!(status.slot(2).unwrap().address, STORAGE + 1);
    // Mail slots come last.
    let mail: Vec<_> = status
        .numbered_slots()
        .filter(|(_, slot)| slot.import_export)
        .map(|(number, slot)| (number, slot.address))
        .collect();
    assert_eq!(mail, [(5, MAIL), (6, MAIL + 1)]);
    assert_eq!(status.slot(0), None);
    assert_eq!(status.slot(7), None);
    assert_eq!(status.drives[1].address, DRIVES + 1);
    let identifier = status.drives[1].identifier.as_ref().unwrap();
    assert_eq!(
        (
            identifier.vendor.as_str(),
            identifier.model.as_str(),
            identifier.serial.as_str()
        ),
        ("IBM", "ULT3580-TD8", "0000000001")
    );
    assert_eq!(status.transports[0].address, ROBOT);
    assert_eq!(status.slot_with_tag("ABC124L8"), Some(2));
    assert_eq!(status.warnings, ["slot 3: bar code cannot be read (83/09)"]);
}

#[test]
fn status_of_a_large_library_takes_several_commands() {
    let library = Library::new(2500);
    let status = open(&library).status().unwrap();
    assert_eq!(status.slots.len(), 2502);
    // 1000, 1000 and 500 slots; mail slots, drives twice, robots.
    assert_eq!(library.sent(Op::READ_ELEMENT_STATUS), 3 + 4);

    let quirks = Quirks {
        elements_per_answer: Some(300),
        ..Quirks::default()
    };
    let status = open(&Library::with(700, quirks)).status().unwrap();
    assert_eq!(status.slots.len(), 702);
    assert_eq!(status.slots[699].address, STORAGE + 699);
}

#[test]
fn quirks_are_tolerated() {
    let quirks = Quirks {
        no_identifiers: true,
        // As tgt does: the end of the last descriptor is missing.
        forgotten_bytes: 8,
        miscounted: Some(ElementType::Transport),
        ..Quirks::default()
    };
    let status = open(&Library::with(4, quirks)).status().unwrap();
    assert_eq!(status.slots.len(), 6);
    assert_eq!(status.drives[0].identifier, None);
    let warnings = status.warnings.join("\n");
    for part in [
        "8 bytes early",
        "serial numbers",
        "1 robots, but has addresses for 2",
    ] {
        assert!(warnings.contains(part), "{warnings}");
    }
    for kind in ElementType::ALL {
        let quirks = Quirks {
            tagless: Some(kind),
            ..Quirks::default()
        };
        let status = open(&Library::with(4, quirks)).status().unwrap();
        let lost = kind == ElementType::Storage;
        let expected = if lost {
            Content::Full
        } else {
            tagged("ABC123L8")
        };
        assert_eq!(status.slots[0].content, expected, "{kind}");
        assert!(
            status.warnings.join("\n").contains("announce a volume tag"),
            "{kind}: {:?}",
            status.warnings
        );
    }
}

#[test]
fn a_library_without_robots_uses_the_default_one() {
    let library = Library::new(4);
    library
        .state()
        .elements
        .retain(|(kind, _)| *kind != ElementType::Transport);
    open(&library).load(1, 0).unwrap();
    let state = library.state();
    let mover = state
        .log
        .iter()
        .find(|cdb| cdb.opcode() == Op::MOVE_MEDIUM)
        .unwrap();
    assert_eq!(mover.as_bytes()[2..4], [0, 0]);
}

#[test]
fn contradictions_are_errors() {
    for kind in [
        ElementType::Storage,
        ElementType::ImportExport,
        ElementType::Drive,
    ] {
        let quirks = Quirks {
            miscounted: Some(kind),
            ..Quirks::default()
        };
        let error = open(&Library::with(4, quirks)).status().unwrap_err();
        assert!(
            matches!(error, ChangerError::ElementCount { kind: found, .. } if found == kind),
            "{error}"
        );
    }
    for kind in [ElementType::Storage, ElementType::Drive] {
        let library = Library::new(4);
        library.state().elements.retain(|(found, _)| *found != kind);
        let error = open(&library).status().unwrap_err();
        assert!(
            matches!(error, ChangerError::NoElements { kind: found } if found == kind),
            "{error}"
        );
    }
}

#[test]
fn duplicate_bar_codes_are_named() {
    let library = Library::new(4);
    library.state().element(STORAGE + 1).unwrap().tag = Some("ABC123L8".to_owned());
    let status = open(&library).status().unwrap();
    assert_eq!(
        status.warnings,
        ["several cartridges have the bar code ABC123L8"]
    );
}

#[test]
fn a_cartridge_taken_out_by_hand_is_noticed() {
    let library = Library::new(4);
    let mut changer = open(&library);
    changer.status().unwrap();
    // after the slots were read, before the drives are
    library.state().taken_out = Some((3, STORAGE));
    let status = changer.status().unwrap();
    assert!(status.slots[0].content.is_empty());
    // between the look, which takes 6 commands, and the movement
    library.state().taken_out = Some((6, STORAGE + 1));
    let error = changer.load(2, 0).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("somebody used the door"), "{text}");
    assert!(
        text.ends_with("where the cartridge is now is not known"),
        "{text}"
    );
    assert!(error.status().unwrap().slots[1].content.is_empty());
}

#[test]
fn waits_while_the_library_becomes_ready() {
    let library = Library::new(4);
    let mut changer = open(&library);
    library
        .state()
        .pending
        .extend((0..120).map(|_| sense(K::NotReady, A::BECOMING_READY)));
    changer.status().unwrap();
    assert_eq!(library.waited(), Duration::from_secs(120));
}

#[test]
fn gives_up_after_five_seconds_or_five_minutes() {
    let library = Library::new(4);
    let mut changer = open(&library);
    library
        .state()
        .pending
        .extend((0..1000).map(|_| sense(K::NotReady, A::BECOMING_READY)));
    let error = changer.status().unwrap_err();
    assert_eq!(library.waited(), Duration::from_secs(300));
    assert_eq!(error.class(), ErrorClass::Retry);
    assert!(error.to_string().contains("2/04/01"), "{error}");

    let library = Library::new(4);
    let mut changer = open(&library);
    library
        .state()
        .pending
        .extend((0..1000).map(|_| sense(K::NotReady, A::MEDIUM_NOT_PRESENT_TRAY_OPEN)));
    let error = changer.status().unwrap_err();
    assert_eq!(library.waited(), Duration::from_secs(5));
    assert_eq!(error.class(), ErrorClass::Operator);
    assert!(
        error
            .to_string()
            .ends_with("close the door and the mail slot"),
        "{error}"
    );
}

#[test]
fn loads_unloads_and_transfers() {
    let library = Library::new(4);
    let mut changer = open(&library);
    let moved = changer.load(2, 1).unwrap();
    assert_eq!(moved.note, None);
    assert_eq!(moved.status.drives[1].content, tagged("ABC124L8"));
    assert_eq!(moved.status.drives[1].loaded_slot, Some(2));
    assert!(moved.status.slots[1].content.is_empty());
    assert_eq!(moved.status.drive_with_tag("ABC124L8"), Some(1));

    // Back to where it came from.
    let moved = changer.unload(1, None).unwrap();
    assert_eq!(moved.status.slot_with_tag("ABC124L8"), Some(2));

    // The home slot is taken meanwhile: the first free one that is no mail slot.
    changer.load(2, 0).unwrap();
    changer.transfer(1, 2).unwrap();
    let moved = changer.unload(0, None).unwrap();
    assert_eq!(moved.status.slot_with_tag("ABC124L8"), Some(1));

    let moved = changer.transfer(1, 5).unwrap();
    assert!(moved.status.slots[4].import_export);
    assert_eq!(moved.status.slots[4].content, tagged("ABC124L8"));

    let error = changer.unload(0, None).unwrap_err();
    assert_eq!(error.to_string(), "drive 0 is empty");
    let error = changer.load(7, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no slot 7: the library has 6 slots and 2 drives"
    );
    assert_eq!(error.class(), ErrorClass::Usage);
    assert!(changer.load(0, 0).is_err());
    assert!(changer.load(1, 2).is_err());
}

#[test]
fn refusals_say_what_to_do_and_where_the_cartridge_is() {
    let library = Library::new(4);
    let mut changer = open(&library);
    changer.load(1, 0).unwrap();
    let moves = library.sent(Op::MOVE_MEDIUM);
    let error = changer.load(2, 0).unwrap_err();
    // A movement is never sent twice.
    assert_eq!(library.sent(Op::MOVE_MEDIUM), moves + 1);
    assert_eq!(
        error.to_string(),
        "moving the cartridge from slot 2 to drive 0: MOVE MEDIUM failed: illegal request, destination element full \
         (5/3B/0D): there is already a cartridge at the destination; unload or move it first; the cartridge is still in slot 2"
    );
    assert_eq!(error.class(), ErrorClass::Operator);
    assert_eq!(error.status().unwrap().drives[0].loaded_slot, Some(1));

    for (key, code, part) in [
        (
            K::IllegalRequest,
            A::REMOVAL_PREVENTED_BY_DRIVE,
            "eject-before-unload",
        ),
        (K::IllegalRequest, A::REMOVAL_PREVENTED, "unlock the drive"),
        (K::IllegalRequest, A(0x3B, 0x83), "eject-before-unload"),
        (K::IllegalRequest, A::INCOMPATIBLE_MEDIUM, "generation"),
        (K::IllegalRequest, A::MAGAZINE_REMOVED, "magazine"),
        (K::HardwareError, A::UNLOAD_FAILURE, "stuck"),
        (K::UnitAttention, A::IMPORT_EXPORT_ACCESSED, "mail slot"),
        (K::NotReady, A::MANUAL_INTERVENTION_REQUIRED, "panel"),
    ] {
        library
            .state()
            .faults
            .push_back(Fault::Refuses(sense(key, code)));
        let error = changer.unload(0, None).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.to_string().ends_with("still in drive 0"), "{error}");
    }
}

#[test]
fn a_move_that_lies_is_found_out() {
    let library = Library::new(4);
    let mut changer = open(&library);
    library.state().faults.push_back(Fault::Lies);
    let error = changer.load(1, 0).unwrap_err();
    assert!(
        matches!(
            error,
            ChangerError::MoveNotDone {
                cartridge: CartridgeAt::Source,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.status().is_some());
}

#[test]
fn a_move_whose_answer_got_lost_is_looked_up() {
    let library = Library::new(4);
    let mut changer = open(&library);
    library.state().faults.push_back(Fault::AnswerLost);
    let moved = changer.load(1, 0).unwrap();
    assert!(moved.note.unwrap().contains("arrived in drive 0"));
    assert_eq!(moved.status.drives[0].content, tagged("ABC123L8"));
    assert_eq!(library.sent(Op::MOVE_MEDIUM), 1);
}

#[test]
fn a_cartridge_left_in_the_gripper_is_named_and_recovered() {
    let library = Library::new(4);
    let mut changer = open(&library);
    library.state().faults.push_back(Fault::HalfWay);
    let error = changer.load(1, 0).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "the cartridge is in the robot's gripper: move it from there to a free slot"
        ),
        "{error}"
    );
    let moved = changer
        .move_cartridge(Place::Transport(0), Place::Slot(1))
        .unwrap();
    assert_eq!(moved.status.slots[0].content, tagged("ABC123L8"));
}

#[test]
fn a_full_library_has_no_slot_for_the_cartridge() {
    let library = Library::new(2);
    let mut changer = open(&library);
    changer.load(1, 0).unwrap();
    {
        let mut state = library.state();
        let slot = state.element(STORAGE).unwrap();
        (slot.full, slot.tag) = (true, None);
    }
    let error = changer.unload(0, None).unwrap_err();
    assert!(
        matches!(error, ChangerError::NoFreeSlot { drive: 0 }),
        "{error}"
    );
}

#[test]
fn inventory_falls_back_to_the_whole_library() {
    let library = Library::new(4);
    let mut changer = open(&library);
    changer
        .initialize(Some(ferrite_scsi::command::InitializeRange {
            first: STORAGE,
            count: 2,
        }))
        .unwrap();
    let codes: Vec<u8> = library
        .state()
        .log
        .iter()
        .map(|cdb| cdb.as_bytes()[0])
        .collect();
    // INQUIRY; 37h meets the unit attention of power on and is asked again.
    assert_eq!(codes, [0x12, 0x37, 0x37, 0xE7, 0x07]);
    changer.prevent_removal(true).unwrap();
    changer.position_to(Place::Slot(2)).unwrap();
}

#[test]
fn exceptions_in_words() {
    assert_eq!(exception_text(A(0x83, 0x02)), "no magazine (83/02)");
    assert_eq!(
        exception_text(A(0x30, 0x03)),
        "cleaning cartridge installed (30/03)"
    );
    assert_eq!(exception_text(A(0x99, 0x01)), "exception 99/01");
}
