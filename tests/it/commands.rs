//! What a CI system's log would read as a command is on neither stream, whoever wrote it;
//! hostile endpoints are in `tests/hostile`.

use crate::program::{Folder, Run, run};

/// Commands of GitHub, Azure Pipelines and TeamCity.
const COMMANDS: &[&str] =
    &["::error::owned", "##vso[task.setvariable variable=x]y", "##[error]owned", "##teamcity[owned]"];

fn harmless(run: &Run) {
    for line in run.stderr.lines().chain(run.stdout.lines()) {
        let command = line.trim_start().starts_with("::")
            || COMMANDS[1..].iter().any(|command| line.contains(&command[..command.find('[').unwrap() + 1]));
        assert!(!command, "{line}");
    }
}

#[test]
fn what_was_typed_commands_no_log() {
    for command in COMMANDS {
        for args in [
            &["scan", command][..],
            &["scan", &format!("http://127.0.0.1:1/{command}")],
            &["scan", "https://a.example/", "--profile", command],
            &["scan", "https://a.example/", "--min-score", command],
            &["scan", "https://a.example/", "--only", command],
            &["scan", "https://a.example/", "--rubric", command],
            &["scan", "https://a.example/", &format!("--{command}")],
            &["scan", "https://a.example/", "--bearer-file", command],
            &["scan", "https://a.example/", "-H", &format!("a b{command}")],
            &["replay", command],
            &["merge", command],
            &["diff", command, command],
            &[command],
            &["explain", command],
        ] {
            let run = run(args);
            assert!(matches!(run.code, Some(2 | 3)), "{args:?}: {run:?}");
            assert!(run.last_line().starts_with("exit "), "{args:?}: {run:?}");
            harmless(&run);
        }
    }
}

#[test]
fn files_that_others_wrote_command_no_log() {
    let folder = Folder::new("commands");
    for command in COMMANDS {
        let list = folder.write("list", format!("https://a.example/\nno URL {command}\n"));
        let config = folder.write("a.toml", format!("[gates]\n\"{command}\" = 1\n"));
        let labelled = folder
            .write("b.toml", format!("[[targets]]\nurl = \"https://a.example/\"\nlabel = \"{command}\"\n"));
        for (args, code) in [
            (&["scan", "--targets", &list][..], 2),
            (&["scan", "--config", &config], 2),
            (&["config", "show", "--config", &config], 2),
            (&["config", "show", "--config", &labelled], 0),
            (&["config", "show", "-f", "json", "--config", &labelled], 0),
        ] {
            let run = run(args);
            assert_eq!(run.code, Some(code), "{args:?}: {run:?}");
            harmless(&run);
        }
    }
}
