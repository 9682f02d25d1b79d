use super::*;

fn parse(text: &str) -> Node {
    Node::parse(text, 1).unwrap().unwrap()
}

#[test]
fn every_value_knows_its_line() {
    let node = parse(
        "kind: Backend\nspec:\n  routes:\n    - path: /a\n    - { path: /b,\n        access: public }\n",
    );
    assert_eq!(node.line_of("kind"), 1);
    assert_eq!(node.line_of("spec.routes[0].path"), 4);
    assert_eq!(node.line_of("spec.routes[1].access"), 6);
    assert_eq!(node.line_of("spec.routes[1].roles"), 5, "what is not there: where it would stand");
}

#[test]
fn lines_count_from_where_the_document_begins_in_its_file() {
    assert_eq!(Node::parse("a:\n  b: 1\n", 40).unwrap().unwrap().line_of("a.b"), 41);
    assert_eq!(
        Node::parse("a: 1\n  b: [\n", 40).err().unwrap().line.clamp(41, 42),
        Node::parse("a: 1\n  b: [\n", 40).err().unwrap().line
    );
}

#[test]
fn quotes_make_text_and_plain_scalars_are_what_they_look_like() {
    let node = parse("a: '12'\nb: 12\nc: true\nd: no\ne: ~\nf: 1.5\ng: \"no\"\nh: |\n  12\n");
    assert_eq!(node.get("a").unwrap().text(), Some("12"));
    assert!(matches!(&node.get("b").unwrap().tree, Tree::Number(n) if n.as_u64() == Some(12)));
    assert!(matches!(node.get("c").unwrap().tree, Tree::Bool(true)));
    assert!(matches!(node.get("d").unwrap().tree, Tree::Bool(false)), "as kubectl reads it");
    assert!(matches!(node.get("e").unwrap().tree, Tree::Null));
    assert!(matches!(&node.get("f").unwrap().tree, Tree::Number(n) if n.as_f64() == Some(1.5)));
    assert_eq!(node.get("g").unwrap().text(), Some("no"));
    assert_eq!(node.get("h").unwrap().text(), Some("12\n"));
}

#[test]
fn json_is_read_too() {
    let node = parse("{\n\t\"kind\": \"Secret\",\n\t\"data\": {\"a\": \"x\\u00e4\\/\\ud83d\\ude00\"}\n}");
    assert_eq!(node.get("data").unwrap().get("a").unwrap().text(), Some("xä/😀"));
    assert_eq!(node.line_of("data.a"), 3);
}

#[test]
fn a_document_without_content_is_none() {
    for text in ["", "\n", "# only a comment\n", "---\n", "~\n"] {
        assert!(Node::parse(text, 1).unwrap().is_none(), "{text:?}");
    }
}

#[test]
fn both_of_two_equal_keys_are_kept_for_the_judge() {
    let lines: Vec<_> =
        parse("a: 1\nb: 2\na: 3\n").entries().iter().map(|e| (e.key.clone(), e.line)).collect();
    assert_eq!(lines, [("a".into(), 1), ("b".into(), 2), ("a".into(), 3)]);
}

#[test]
#[allow(clippy::format_push_string, clippy::format_collect, reason = "a test's text")]
fn bombs_are_refused_in_no_time() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let previous = format!("*a{}", i - 1);
        laughs.push_str(&format!("a{i}: &a{i} [{}]\n", [previous.as_str(); 9].join(", ")));
    }
    let deep = "[".repeat(10_000);
    let deep_block = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    let wide = format!("[{}]", "a,".repeat(500_000));
    for (name, bomb) in [("laughs", laughs), ("flow", deep), ("block", deep_block), ("wide", wide)] {
        let begun = std::time::Instant::now();
        assert!(Node::parse(&bomb, 1).is_err(), "{name}");
        assert!(begun.elapsed().as_secs() < 20, "{name}");
    }
}

#[test]
fn anchors_and_merge_keys_work_within_bounds() {
    let node = parse("base: &base { a: 1, b: 2 }\nmine:\n  <<: *base\n  b: 3\n");
    let mine = node.get("mine").unwrap();
    assert!(matches!(&mine.get("a").unwrap().tree, Tree::Number(n) if n.as_u64() == Some(1)));
    assert!(matches!(&mine.get("b").unwrap().tree, Tree::Number(n) if n.as_u64() == Some(3)));
}

#[test]
fn a_refusal_never_repeats_the_text() {
    for text in [
        "password: \"hunter2canary\nother: x\n",
        "password: *hunter2canary\n",
        "password: hunter2canary: hunter2canary: [\n",
        "password: !!int hunter2canary\n",
        "password: [hunter2canary\n",
        "? {a: hunter2canary}\n: x\n",
        "hunter2canary\n  x: @hunter2canary\n",
        "password: %hunter2canary\n\t- hunter2canary",
        "password: !!binary hunter2canary!\n",
        "password: \"\\qhunter2canary\"\n",
    ] {
        if let Err(error) = Node::parse(text, 1) {
            assert!(!error.reason.contains("hunter2canary"), "{text:?}: {}", error.reason);
            assert!(!error.reason.is_empty());
        }
    }
}
