//! Random structures survive being written and read.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use ferrite_formats::block::{BLOCK_SIZE, Block, BlockFiller, PAYLOAD_SIZE};
use ferrite_formats::block_stream::{BlockStream, StreamEnd, frame_content, unframe};
use ferrite_formats::chunk_archive::{
    ChunkArchiveDecoder, ChunkArchiveHeader, ChunkEntry, ChunkEvent,
};
use ferrite_formats::fuzzing::tape as fuzzing;
use ferrite_formats::inventory::{self, InventoryEntry, MediaId, MediaLocation, MediaStatus};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::media_catalog::{
    CatalogContent, CatalogIdentity, CatalogReader, CatalogRecord, CatalogWriter, mask_padding,
};
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveHeader, SnapshotArchiveLayout, SnapshotArchiveReader, SnapshotFile,
};
use ferrite_formats::{Digest, Fingerprint, content_header, pxar::Stat};
use proptest::prelude::*;
use uuid::Uuid;

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<[u8; 16]>().prop_map(Uuid::from_bytes)
}

fn any_name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_][A-Za-z0-9._-]{0,12}"
}

fn any_media_label() -> impl Strategy<Value = MediaLabel> {
    (
        any::<i64>(),
        any::<String>(),
        any::<Option<String>>(),
        any_uuid(),
    )
        .prop_map(|(ctime, label_text, pool, uuid)| MediaLabel {
            ctime,
            label_text,
            pool,
            uuid,
        })
}

fn any_set_label() -> impl Strategy<Value = MediaSetLabel> {
    let fingerprint = proptest::option::of(any::<[u8; 32]>().prop_map(Fingerprint::new));
    (
        any::<i64>(),
        fingerprint,
        any::<String>(),
        any::<u64>(),
        any_uuid(),
    )
        .prop_map(
            |(ctime, encryption_key_fingerprint, pool, seq_nr, uuid)| MediaSetLabel {
                ctime,
                encryption_key_fingerprint,
                key_config: encryption_key_fingerprint
                    .map(|_| serde_json::json!({"kdf": null, "data": pool})),
                pool,
                seq_nr,
                uuid,
            },
        )
}

/// Frames content in one reused buffer that is full of garbage, filled in pieces of the given lengths.
fn framed_in_place(mut rest: &[u8], pieces: &[usize], incomplete: bool) -> Vec<u8> {
    let len = rest.len() as u64;
    let mut block: Box<Block> = Box::new([0xee; BLOCK_SIZE]);
    let mut filler = BlockFiller::new();
    let mut out = Vec::new();
    for (turn, piece) in pieces.iter().cycle().enumerate() {
        if filler.seal(&mut block) {
            out.extend_from_slice(block.as_slice());
        }
        if rest.is_empty() {
            break;
        }
        let piece = &rest[..(*piece).min(rest.len()).min(filler.room())];
        if turn % 2 == 0 {
            assert_eq!(filler.fill(&mut block, piece), piece.len());
        } else {
            filler.spare(&mut block)[..piece.len()].copy_from_slice(piece);
            filler.advance(piece.len());
        }
        rest = &rest[piece.len()..];
    }
    assert_eq!(filler.content_len(), len);
    assert!(filler.close(&mut block, incomplete));
    out.extend_from_slice(block.as_slice());
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn blocks_framed_in_place_carry_the_content(
        blocks in 0usize..3, around in -3i64..4, fill in any::<u8>(),
        pieces in proptest::collection::vec(1usize..PAYLOAD_SIZE, 1..8), incomplete in any::<bool>(),
    ) {
        let len = (blocks as i64 * PAYLOAD_SIZE as i64 + around).max(0) as usize;
        let content: Vec<u8> = (0..len).map(|at| (at as u8).wrapping_mul(31) ^ fill).collect();
        let stream = framed_in_place(&content, &pieces, incomplete);
        prop_assert!(stream == frame_content(&content, incomplete));
        let end = if incomplete { StreamEnd::Incomplete } else { StreamEnd::Complete };
        prop_assert!(unframe(&stream).unwrap() == (content, end));
        if stream.len() > BLOCK_SIZE {
            // Without its last block the stream has no end marker.
            let (_, end) = unframe(&stream[..stream.len() - BLOCK_SIZE]).unwrap();
            prop_assert_eq!(end, StreamEnd::NoEndMarker);
        }
    }
}

proptest! {
    #[test]
    fn labels_come_back(label in any_media_label(), set in any_set_label(), uuid in any_uuid(), ctime in any::<i64>()) {
        let content = label.encode(uuid, ctime).unwrap();
        let (head, back) = MediaLabel::read(&mut content.as_slice()).unwrap();
        prop_assert_eq!((head.uuid, head.ctime, back), (uuid, ctime, label));
        let content = set.encode(uuid, ctime).unwrap();
        prop_assert_eq!(MediaSetLabel::read(&mut content.as_slice()).unwrap().1, set);
    }

    #[test]
    fn inventories_come_back(
        entries in proptest::collection::vec((
            any_media_label(), proptest::option::of(any_set_label()), any::<Option<u64>>(),
            proptest::option::of(0usize..5), proptest::option::of((0u8..3, "[a-z][a-z0-9.-]{2,8}")),
        ), 0..8),
    ) {
        let entries: BTreeMap<Uuid, InventoryEntry> = entries
            .into_iter()
            .map(|(label, set, bytes_used, status, location)| {
                let entry = InventoryEntry {
                    bytes_used,
                    id: MediaId {
                        label,
                        media_set_label: set.map(|set| set.without_key_config()),
                    },
                    location: location.map(|(kind, name)| match kind {
                        0 => MediaLocation::Offline,
                        1 => MediaLocation::Online(name),
                        _ => MediaLocation::Vault(name),
                    }),
                    status: status.map(|index| MediaStatus::ALL[index]),
                };
                (entry.id.label.uuid, entry)
            })
            .collect();
        let entries: Vec<InventoryEntry> = entries.into_values().collect();
        let mut shuffled = entries.clone();
        shuffled.reverse();
        let text = inventory::print(&shuffled).unwrap();
        prop_assert_eq!(&inventory::parse(&text).unwrap(), &entries);
        prop_assert_eq!(inventory::print(&entries).unwrap(), text);
    }

    #[test]
    fn chunk_archives_come_back_from_pieces_of_any_length(
        store in any_name(), blobs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 12..300), 0..6),
        pieces in proptest::collection::vec(0usize..200, 1..10), cut in 0usize..400,
    ) {
        let mut content = ChunkArchiveHeader { store }.encode(Uuid::nil(), 1).unwrap();
        let mut ends = vec![content.len()];
        for blob in &blobs {
            let entry = ChunkEntry { digest: Digest::of(blob), size: blob.len() as u64 };
            content.extend_from_slice(&entry.encode());
            content.extend_from_slice(blob);
            ends.push(content.len());
        }
        let keep = content.len().saturating_sub(cut).max(ends[0]);
        let mut decoder = ChunkArchiveDecoder::new();
        let (mut found, mut current) = (Vec::new(), Vec::new());
        let mut rest = &content[..keep];
        let mut pieces = pieces.iter().copied().chain(std::iter::once(1)).cycle();
        while !rest.is_empty() {
            let (payload, later) = rest.split_at(pieces.next().unwrap().min(rest.len()));
            for event in decoder.feed(payload) {
                match event.unwrap() {
                    ChunkEvent::Header(..) => {}
                    ChunkEvent::Entry(_) => current.clear(),
                    ChunkEvent::Body(range) => {
                        prop_assert!(!range.is_empty());
                        current.extend_from_slice(&payload[range]);
                    }
                    ChunkEvent::EntryEnd => found.push(current.clone()),
                }
            }
            rest = later;
        }
        let whole = ends.iter().filter(|end| **end <= keep).count() - 1;
        prop_assert_eq!(&found[..], &blobs[..whole]);
        let into_next = keep - ends[whole];
        match decoder.finish() {
            Ok(end) => {
                prop_assert_eq!(end.chunks, whole as u64);
                prop_assert_eq!(end.cut.is_some(), into_next >= 48);
            }
            Err(_) => prop_assert!((1..48).contains(&into_next)),
        }
    }

    #[test]
    fn snapshot_archives_come_back(
        names in proptest::collection::btree_set(any_name(), 0..12),
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 13),
        mode in 0u64..0o1000, ids in any::<(u32, u32)>(), time in any::<(i64, u32)>(), namespace in "(ns/[a-z]{1,5}/){0,7}",
    ) {
        let stat = Stat {
            mode: 0o100_000 | mode, flags: 0, uid: ids.0, gid: ids.1,
            mtime_secs: time.0, mtime_nanos: time.1 % 1_000_000_000,
        };
        let header = SnapshotArchiveHeader {
            snapshot: format!("{namespace}vm/100/2024-06-05T09:33:20Z"),
            store: "store1".to_owned(),
        };
        let names = std::iter::once("index.json.blob".to_owned()).chain(names);
        let files: Vec<SnapshotFile> = names
            .zip(&contents)
            .map(|(name, content)| SnapshotFile { name, stat, size: content.len() as u64 })
            .collect();
        let layout = SnapshotArchiveLayout::new(&header, Uuid::nil(), 1, files.clone()).unwrap();
        let mut content = layout.head().to_vec();
        for ((_, head), file) in layout.file_heads().zip(&contents) {
            content.write_all(head).unwrap();
            content.write_all(file).unwrap();
        }
        content.write_all(layout.tail()).unwrap();
        prop_assert_eq!(layout.content_len(), content.len() as u64);

        let mut rest = content.as_slice();
        let (head, json) = content_header::read(&mut rest).unwrap();
        prop_assert_eq!(head.kind().unwrap(), header.kind().unwrap());
        prop_assert_eq!(SnapshotArchiveHeader::parse(&head, &json).unwrap(), header);
        let mut reader = SnapshotArchiveReader::new(rest);
        for (index, (file, content)) in files.iter().zip(&contents).enumerate() {
            prop_assert_eq!(reader.next_file().unwrap(), Some(file.clone()));
            if index % 3 != 2 {
                let mut found = Vec::new();
                reader.content().read_to_end(&mut found).unwrap();
                prop_assert_eq!(&found, content);
            }
        }
        prop_assert!(reader.next_file().unwrap().is_none());
        prop_assert!(reader.into_inner().is_empty());
    }

    #[test]
    fn catalogs_come_back(
        media in any_uuid(), set in any_uuid(), seq_nr in any::<u64>(),
        archives in proptest::collection::vec((1u64..4, any_uuid(), any_name(), 0usize..5, any::<bool>()), 0..12),
        garbage in any::<u8>(),
    ) {
        let identity = CatalogIdentity { media_uuid: Some(media), media_set: Some((set, seq_nr)) };
        let mut writer = CatalogWriter::create(identity);
        writer.media_label(media).unwrap();
        writer.media_set_label(set, seq_nr).unwrap();
        let mut file_number = 1;
        let mut chunks = 0;
        for (step, uuid, store, count, is_snapshot) in &archives {
            file_number += step;
            if *is_snapshot {
                writer.snapshot(file_number, *uuid, store, "vm/100/2024-06-05T09:33:20Z").unwrap();
            } else {
                let digests = (0..*count).map(|index| Digest::of(&index.to_le_bytes()));
                writer.chunk_archive(file_number, *uuid, store, digests).unwrap();
                chunks += count;
            }
            // File numbers rise: the same one again is refused and leaves no trace.
            let before = writer.pending_len();
            prop_assert!(writer.snapshot(file_number, *uuid, store, "vm/1/2024-06-05T09:33:20Z").is_err());
            prop_assert_eq!(writer.pending_len(), before);
        }
        let mut file = writer.pending().unwrap().to_vec();
        let content = CatalogContent::parse(&file, identity).unwrap();
        prop_assert_eq!(content.chunks(), chunks as u64);
        prop_assert_eq!(content.media_set, Some((set, seq_nr)));
        let last = archives.iter().map(|archive| archive.0).sum::<u64>() + 1;
        prop_assert_eq!(writer.state().last_file_number(), Some(last));

        // Padding full of garbage changes nothing.
        let clean = file.clone();
        let starts: Vec<(u64, bool)> = CatalogReader::new(&clean).unwrap().filter_map(|item| match item.unwrap() {
            (offset, CatalogRecord::ArchiveStart { .. }) => Some((offset, false)),
            (offset, CatalogRecord::Snapshot { .. }) => Some((offset, true)),
            _ => None,
        }).collect();
        for (offset, is_snapshot) in starts {
            let at = offset as usize;
            if is_snapshot {
                file[at + 26] = garbage;
                file[at + 29..at + 33].fill(garbage);
            } else {
                file[at + 26..at + 33].fill(garbage);
            }
        }
        prop_assert_eq!(CatalogContent::parse(&file, identity).unwrap(), content);
        mask_padding(&mut file).unwrap();
        prop_assert_eq!(file, clean);
    }

    #[test]
    fn no_parser_panics_on_random_bytes(input in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (_, target) in fuzzing::TARGETS {
            target(&input);
        }
    }

    #[test]
    fn block_streams_never_panic(events in proptest::collection::vec((0u8..4, 0u32..4), 0..12)) {
        let mut state = BlockStream::new();
        let mut block = frame_content(b"x", false);
        for (event, number) in events {
            block[8] = event & 1;
            block[12..16].copy_from_slice(&number.to_le_bytes());
            match event {
                0 | 1 => drop(state.block(&block)),
                2 => drop(state.file_mark()),
                _ => drop(state.end_of_data()),
            }
        }
    }
}
