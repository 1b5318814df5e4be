//! What the prose shows is true.

use std::path::Path;
use system_tests::Grange;

/// Parameters that name a table, which must exist.
const TABLES: [&str; 6] = ["aliases", "routes", "policy", "users", "senders", "access"];

/// The blocks of a page that are in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn checked(text: &str) -> String {
    let grange = Grange::prepare("");
    std::fs::write(grange.root().join("etc/grange.toml"), text).unwrap();
    let output = grange.grange(&["config", "check"]);
    format!(
        "{:?} {}",
        output.status.code(),
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
    )
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let blocks = blocks("README.md", "toml");
    assert!(!blocks.is_empty());
    for block in blocks {
        let said = checked(&block);
        assert!(said.starts_with("Some(0)"), "{said}\n{block}");
    }
}

#[test]
fn the_commented_configuration_is_valid_with_and_without_its_comments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/grange.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(checked(&text).starts_with("Some(0)"));
    // A commented parameter has no blank behind its mark. An include must exist, a table too.
    let shown: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .filter(|line| !TABLES.iter().any(|table| line.starts_with(&format!("{table} ="))))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = checked(&shown);
    assert!(said.starts_with("Some(0)"), "{said}\n{shown}");
}

#[test]
fn the_commands_in_the_readme_exist() {
    let grange = Grange::prepare("");
    let shell = blocks("README.md", "sh").concat();
    let lines = shell.lines().filter_map(|line| line.strip_prefix("grange "));
    let mut count = 0;
    for line in lines {
        let words: Vec<&str> = line
            .split('#')
            .next()
            .unwrap()
            .split_whitespace()
            .filter(|word| !word.starts_with('-'))
            .collect();
        let verb = words.first().unwrap();
        let help = grange.grange(&[verb, "--help"]);
        assert!(help.status.success(), "{line}: {}", String::from_utf8_lossy(&help.stderr));
        count += 1;
    }
    assert!(count >= 5, "only {count} commands found");
}
