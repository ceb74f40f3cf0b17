use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::vectors;

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn vectors_are_parsed_and_printed() {
    let file: Value = vectors::read("datastore/snapshot-path");
    for case in file["cases"].as_array().unwrap() {
        let text = case["path"].as_str().unwrap();
        let path: SnapshotPath = text.parse().unwrap();
        assert_eq!(path.namespace().to_string(), case["namespace"]);
        assert_eq!(path.group().ty().as_str(), case["type"]);
        assert_eq!(path.group().id(), case["id"]);
        assert_eq!(path.time(), case["time"].as_i64().unwrap());
        assert_eq!(path.to_string(), text);
        assert!(text.ends_with(&path.without_namespace()));

        let namespace: Namespace = case["namespace"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            Namespace::from_path(&namespace.path()),
            Ok(namespace.clone())
        );
        let built = SnapshotPath::new(namespace, path.group().clone(), path.time());
        assert_eq!(built, Ok(path));
    }
}

#[test]
fn other_texts_are_refused() {
    let file: Value = vectors::read("datastore/snapshot-path");
    for text in texts(&file["refused"]) {
        let error = text.parse::<SnapshotPath>().expect_err(&text);
        assert_eq!(vectors::class(&error), "invalid");
    }
    for id in texts(&file["safeIds"]["good"]) {
        assert!(is_safe_id(&id), "{id}");
    }
    for id in texts(&file["safeIds"]["bad"]) {
        assert!(!is_safe_id(&id), "{id}");
    }
}

#[test]
fn groups_sort_as_listings_do() {
    let file: Value = vectors::read("datastore/snapshot-path");
    let expected: Vec<BackupGroup> = texts(&file["sorted"])
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let mut sorted = expected.clone();
    sorted.reverse();
    sorted.sort();
    // 7 and 007 have one value; their order is ours.
    assert_eq!(sorted[2..], expected[2..]);
}

#[test]
fn of_equal_groups_the_outer_namespace_comes_first_then_time() {
    let sorted = [
        "host/a/2024-05-01T12:00:00Z",
        "vm/1/2024-05-01T12:00:00Z",
        "vm/1/2024-05-01T12:00:01Z",
        "ns/p/vm/1/2024-05-01T12:00:00Z",
        "ns/p/ns/q/vm/1/2024-05-01T12:00:00Z",
        "ns/p-1/vm/1/2024-05-01T12:00:00Z",
        "ns/a/vm/2/2024-05-01T12:00:00Z",
    ];
    let expected: Vec<SnapshotPath> = sorted.iter().map(|text| text.parse().unwrap()).collect();
    let mut shuffled = expected.clone();
    shuffled.rotate_left(3);
    shuffled.sort();
    assert_eq!(shuffled, expected);
}

#[test]
fn namespaces_know_their_relations() {
    let namespace: Namespace = "a/b".parse().unwrap();
    assert_eq!(namespace.depth(), 2);
    assert_eq!(namespace.parent().unwrap().to_string(), "a");
    assert_eq!(
        namespace.parent().unwrap().parent(),
        Some(Namespace::root())
    );
    assert_eq!(Namespace::root().parent(), None);
    assert_eq!(namespace.components().collect::<Vec<_>>(), ["a", "b"]);
    for (outer, inner, contains) in [
        ("", "a", true),
        ("a", "a", true),
        ("a", "a/b", true),
        ("a", "ab", false),
        ("a/b", "a", false),
    ] {
        let (outer, inner): (Namespace, Namespace) =
            (outer.parse().unwrap(), inner.parse().unwrap());
        assert_eq!(outer.contains(&inner), contains, "{outer} {inner}");
    }
    for bad in ["/", "a/", "/a", "a//b", "..", "1/2/3/4/5/6/7/8"] {
        assert!(bad.parse::<Namespace>().is_err(), "{bad}");
    }
}

#[test]
fn datastore_names_have_three_to_thirty_two_characters() {
    assert!(is_datastore_name("abc") && is_datastore_name(&"x".repeat(32)));
    assert!(
        !is_datastore_name("ab")
            && !is_datastore_name(&"x".repeat(33))
            && !is_datastore_name("-abc")
    );
}

proptest! {
    #[test]
    fn any_text_parses_and_prints_itself_or_fails(text in "(ns/[a-z.]{0,3}/){0,3}(vm|ct|x)/[a-z0-9./-]{0,6}/2024-0[0-9]-[0-9]{2}T00:00:00Z") {
        if let Ok(path) = text.parse::<SnapshotPath>() {
            prop_assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn groups_have_one_order(ids in proptest::collection::vec("[0-9a-c]{1,3}", 3)) {
        let groups: Vec<BackupGroup> = ids.iter().map(|id| BackupGroup::new(BackupType::Vm, id).unwrap()).collect();
        let [a, b, c] = [&groups[0], &groups[1], &groups[2]];
        prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
        prop_assert_eq!(a.cmp(b).is_eq(), a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }
}
