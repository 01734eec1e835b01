//! No output may be a file that is read, however either is spelt.

use std::fs;

use crate::program::{Folder, Run, finish, program};

/// One transcript and its report, a baseline, a rubric and the rest: name and text.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::copy("fixtures/py1-http/transcript.jsonl", folder.path("t.jsonl")).unwrap();
    folder.write("c.toml", "profile = \"quick\"\n");
    folder.write("list.txt", "https://a.invalid/\n");
    folder.write("token", "s3cr3t");
    folder.write("headers", "X-One: 1\n");
    let runs: [&[&str]; 3] = [
        &["replay", "--no-config", "t.jsonl", "-f", "json", "-o", "r.json"],
        &["baseline", "write", "-b", "b.toml", "r.json"],
        &["replay", "--no-config", "t.jsonl", "-f", "jsonl", "-o", "r.jsonl"],
    ];
    for args in runs {
        assert_eq!(within(&folder, args).code, Some(0), "{args:?}");
    }
    folder.write("spec.toml", within(&folder, &["rubric", "show", "spec"]).stdout);
    let bundle = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("ca.pem", bundle.cert.pem());
    #[cfg(unix)]
    std::os::unix::fs::symlink(".", folder.path("link")).unwrap();
    folder
}

fn within(folder: &Folder, args: &[&str]) -> Run {
    finish(program().args(args).current_dir(&folder.0))
}

/// A row: what is run, then the option that writes, then the file that is read.
const URL: &str = "http://127.0.0.1:9/";
const ROWS: &[(&[&str], &str, &str)] = &[
    (&["replay", "--config", "c.toml", "t.jsonl"], "-o", "c.toml"),
    (&["replay", "--no-config", "t.jsonl"], "-o", "t.jsonl"),
    (&["replay", "--no-config", "--rubric", "spec.toml", "t.jsonl"], "-o", "spec.toml"),
    (&["replay", "--no-config", "--baseline", "b.toml", "t.jsonl"], "-o", "b.toml"),
    (&["replay", "--no-config", "--max-drop", "1", "--against", "r.json", "t.jsonl"], "-o", "r.json"),
    (&["replay", "--no-config", "--named-in", "list.txt", "t.jsonl"], "-o", "list.txt"),
    (&["diff", "r.json", "r.json"], "-o", "r.json"),
    (&["merge", "r.jsonl"], "-o", "r.jsonl"),
    (&["merge", "r.jsonl", "--expect", "list.txt"], "-o", "list.txt"),
    (&["scan", "--no-config", "--targets", "list.txt"], "-o", "list.txt"),
    (&["scan", "--no-config", "--targets", "list.txt"], "--save-transcript", "list.txt"),
    (&["scan", "--no-config", URL, "--bearer-file", "token"], "-o", "token"),
    (&["scan", "--no-config", URL, "-H", "@headers"], "-o", "headers"),
    (&["scan", "--no-config", URL, "-H", "@headers"], "--save-transcript", "headers"),
    (&["scan", "--no-config", URL, "--cacert", "ca.pem"], "-o", "ca.pem"),
    (&["scan", "--config", "c.toml", URL], "-o", "c.toml"),
];

#[test]
fn no_output_overwrites_a_file_that_is_read() {
    let folder = folder("overwritten");
    let name = folder.0.file_name().unwrap().to_str().unwrap().to_owned();
    for (args, option, file) in ROWS {
        let before = fs::read(folder.path(file)).unwrap();
        let mut spellings =
            vec![(*file).to_owned(), format!("./{file}"), format!("./../{name}/{file}"), folder.path(file)];
        if cfg!(unix) {
            spellings.push(format!("link/{file}"));
        }
        let reports = *option == "-o" && args[0] != "diff";
        for spelling in spellings {
            let named = format!("json={spelling}");
            let mut ways = vec![[*option, spelling.as_str()]];
            ways.extend(reports.then_some(["--report", named.as_str()]));
            for way in ways {
                let run = within(&folder, &[*args, &way[..]].concat());
                assert_eq!(run.code, Some(2), "{args:?} {way:?}: {run:?}");
                assert_eq!(run.stdout, "");
                let said = run.last_line();
                assert!(
                    said.contains(&spelling) && said.contains("would overwrite") && said.contains(file),
                    "{args:?} {way:?}: {said}"
                );
                assert_eq!(fs::read(folder.path(file)).unwrap(), before, "{args:?} {way:?}");
            }
        }
    }
}

#[test]
fn what_is_found_or_grows_without_being_named_counts_too() {
    let folder = folder("unnamed");
    // A configuration that nobody named, and what it names itself.
    folder.write("agentgauge.toml", "baseline = \"b.toml\"\n");
    for file in ["agentgauge.toml", "b.toml"] {
        let before = fs::read(folder.path(file)).unwrap();
        let run = within(&folder, &["replay", "t.jsonl", "-o", file]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.last_line().contains(file), "{run:?}");
        assert_eq!(fs::read(folder.path(file)).unwrap(), before);
    }
    // A transcript grows in FILE.partial; that of one of several targets has a name of its own.
    let one = folder.write("x.partial", "X-One: 1\n");
    let args = ["scan", "--no-config", "http://127.0.0.1:9/", "-H", "@x.partial", "--save-transcript", "x"];
    let run = within(&folder, &args);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(fs::read_to_string(one).unwrap(), "X-One: 1\n");
    fs::create_dir(folder.path("saved")).unwrap();
    let list = "http://127.0.0.1:9/a\nhttp://127.0.0.1:9/b\n";
    let several = folder.write("saved/002-127-0-0-1.jsonl", list);
    let args = ["scan", "--no-config", "--targets", &several, "--save-transcript", "saved"];
    let run = within(&folder, &args);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(fs::read_to_string(&several).unwrap(), list);
    // Standard input and output are no files.
    let run = within(&folder, &["replay", "--no-config", "t.jsonl", "-f", "json", "-o", "-"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = within(&folder, &["replay", "--no-config", "t.jsonl", "-o", "/dev/null"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// Every option that names a file, and the most that is read of it.
const SIZES: &[(&[&str], &str)] = &[
    (&["merge"], "256 MiB"),
    (&["merge", "r.jsonl", "--expect"], "64 MiB"),
    (&["replay", "--no-config"], "512 MiB"),
    (&["replay", "t.jsonl", "--config"], "1 MiB"),
    (&["replay", "--no-config", "t.jsonl", "--rubric"], "16 MiB"),
    (&["replay", "--no-config", "t.jsonl", "--baseline"], "16 MiB"),
    (&["replay", "--no-config", "t.jsonl", "--named-in"], "16 MiB"),
    (&["replay", "--no-config", "t.jsonl", "--max-drop", "1", "--against"], "256 MiB"),
    (&["diff", "r.json"], "256 MiB"),
    (&["baseline", "check", "r.json", "-b"], "16 MiB"),
    (&["baseline", "check", "-b", "b.toml"], "256 MiB"),
    (&["rubric", "validate"], "16 MiB"),
    (&["scan", "--no-config", "--targets"], "64 MiB"),
    (&["scan", "--no-config", URL, "--bearer-file"], "64 KiB"),
    (&["scan", "--no-config", URL, "--cacert"], "4 MiB"),
];

#[test]
fn no_file_is_read_whatever_its_size() {
    let folder = folder("sizes");
    fs::File::create(folder.path("huge")).unwrap().set_len(3 << 30).unwrap();
    let headers = ["scan", "--no-config", URL, "-H", "@huge"];
    let rows = SIZES.iter().map(|(args, size)| ([*args, &["huge"]].concat(), *size));
    for (args, size) in rows.chain([(headers.to_vec(), "64 KiB")]) {
        let run = within(&folder, &args);
        assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
        let said = run.last_line();
        assert!(said.contains("huge") && said.contains(&format!("larger than {size}")), "{args:?}: {said}");
    }
    // What has no size of its own ends there, too.
    #[cfg(target_os = "linux")]
    for args in [["merge", "/dev/zero"], ["replay", "/dev/zero"], ["diff", "/dev/zero"]] {
        let run = within(&folder, &[&args[..], &["r.json"]].concat());
        assert_eq!(run.code, Some(2), "{run:?}");
    }
}
