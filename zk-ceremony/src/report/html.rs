//! `report.html`: one file that opens offline, in any browser, without scripts.

use std::fmt::{self, Write as _};

use super::{Report, ReportedChain, ReportedFile, ReportedStep};

/// Text from the ceremony, as text: what other people wrote never becomes markup.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// Hex digits in groups of four, eight to a line, as two people compare them aloud.
struct Aloud<'a>(&'a str);

impl fmt::Display for Aloud<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self
            .0
            .as_bytes()
            .chunks(4)
            .map(|four| Escaped(&String::from_utf8_lossy(four)).to_string())
            .collect();
        let lines: Vec<String> = groups.chunks(8).map(|line| line.join(" ")).collect();
        write!(f, "<code class=\"hash\">{}</code>", lines.join(" <br>"))
    }
}

const STYLE: &str = "
:root{--bg:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d1d9e0;--card:#f6f8fa;--good:#116329;--bad:#b3261e;--mark:#0550ae}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--card:#151b23;--good:#3fb950;--bad:#ff7b72;--mark:#79c0ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.6rem}h2{margin:2.2rem 0 .6rem;font-size:1.2rem}
.result{display:inline-block;padding:.15rem .7rem;border:2px solid;border-radius:1rem;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.unfinished{color:var(--mark)}
.dim{color:var(--dim)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:.8rem 0}dt{color:var(--dim)}dd{margin:0}
.chain{display:flex;flex-wrap:wrap;gap:.6rem 0;align-items:stretch;list-style:none;margin:0;padding:0}
.chain li{display:flex;align-items:center}
.chain li+li::before{content:'\\2192';padding:0 .5rem;color:var(--dim);font-size:1.3rem}
.step{min-width:9.5rem;max-width:15rem;height:100%;padding:.5rem .7rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card);overflow-wrap:anywhere}
.step b{display:block}.step small{display:block;color:var(--dim)}
.contribution{border-left:4px solid var(--good)}.beacon{border-left:4px solid var(--mark)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
code{font:13px/1.5 ui-monospace,monospace}.hash{white-space:nowrap}
pre{padding:.8rem;border:1px solid var(--bad);border-radius:.5rem;overflow-x:auto;white-space:pre-wrap}
details{margin:.4rem 0}summary{cursor:pointer}
@media(max-width:40rem){body{padding:1rem}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .6rem}.hash{white-space:normal}.hash br{display:none}.chain li{width:100%}.step{max-width:none;flex:1}}
@media print{body{max-width:none}details{display:block}}
";

/// The page.
pub(crate) fn html(report: &Report) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write_page(&mut page, report);
    page
}

fn write_page(out: &mut String, report: &Report) -> fmt::Result {
    let (result, meaning) = match report.result.as_str() {
        "good" => ("good", "every file, signature and proof of this ceremony was verified"),
        "unfinished" => ("unfinished", "everything so far was verified; the ceremony goes on"),
        _ => ("bad", "something does not hold: see below"),
    };
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(
        out,
        "<title>Ceremony {}: {result}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        Escaped(&report.ceremony)
    )?;
    writeln!(out, "<h1>Ceremony {}</h1>", Escaped(&report.ceremony))?;
    writeln!(
        out,
        "<p><span id=\"result\" class=\"result {result}\">{result}</span> {meaning}</p>"
    )?;
    if report.kind != "production" {
        writeln!(
            out,
            "<p class=\"bad\"><b>A {}:</b> its keys protect nothing, and no production policy accepts them.</p>",
            Escaped(&report.kind)
        )?;
    }
    writeln!(out, "<dl>")?;
    for (name, value) in [
        ("kind", &report.kind),
        ("verified", &report.time),
        ("with", &report.tool),
        ("arithmetic", &report.arithmetic),
    ] {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", Escaped(value))?;
    }
    writeln!(out, "<dt>time taken</dt><dd>{:.1} s</dd>", report.seconds)?;
    writeln!(out, "<dt>ceremony.toml</dt><dd>{}</dd>", Aloud(&report.ceremony_toml_sha256))?;
    if let Some(transcript) = &report.transcript_sha256 {
        writeln!(out, "<dt>transcript</dt><dd>{}</dd>", Aloud(transcript))?;
    }
    for key in &report.verifying_keys {
        let circuit = Escaped(&key.circuit);
        writeln!(
            out,
            "<dt>key of {circuit}</dt><dd>{}<br><span class=\"dim\">{} public inputs</span></dd>",
            Aloud(&key.vk_sha256),
            key.public_inputs
        )?;
    }
    writeln!(out, "</dl>")?;
    if let Some(failure) = &report.failure {
        writeln!(
            out,
            "<h2 class=\"bad\">What does not hold</h2>\n<p>{}</p>",
            Escaped(&failure.title)
        )?;
        writeln!(out, "<pre>{}</pre>", Escaped(&failure.error))?;
        if let Some(hint) = &failure.hint {
            writeln!(out, "<p>What to do: {}</p>", Escaped(hint))?;
        }
    }
    report.chains.iter().try_for_each(|chain| write_chain(out, chain))?;
    write_files(out, &report.files)?;
    writeln!(out, "<h2>How to check this page</h2>")?;
    writeln!(
        out,
        "<p>Run <code>cargo xtask ceremony verify DIR</code> on your own copy, and <code>sha256sum --check SHA256SUMS</code> in it. The last phase-1 \
         file and the last key of each circuit can be checked with snarkjs too: <code>snarkjs powersoftau verify phase1/prepared.ptau</code>, \
         <code>snarkjs zkey verify circuit.r1cs prepared.ptau final.zkey</code>.</p>\n</body>\n</html>"
    )
}

fn write_chain(out: &mut String, chain: &ReportedChain) -> fmt::Result {
    writeln!(out, "<h2>{}</h2>\n<ol class=\"chain\">", Escaped(&chain.title))?;
    for step in &chain.steps {
        writeln!(
            out,
            "<li><div class=\"step {}\"><b>{}</b>{}",
            Escaped(&step.action),
            Escaped(&headline(step)),
            Escaped(&step.participant)
        )?;
        writeln!(
            out,
            "<small>{}</small><small><code>{}</code></small></div></li>",
            Escaped(&step.time),
            Escaped(&step.fingerprint)
        )?;
    }
    writeln!(out, "</ol>")?;
    if chain.steps.is_empty() {
        writeln!(out, "<p class=\"dim\">not opened yet</p>")?;
    }
    for step in &chain.steps {
        writeln!(
            out,
            "<details><summary>{}: {}</summary>\n<dl>",
            Escaped(&headline(step)),
            Escaped(&step.participant)
        )?;
        writeln!(
            out,
            "<dt>file</dt><dd><code>{}</code></dd><dt>SHA-256</dt><dd>{}</dd>",
            Escaped(&step.file),
            Aloud(&step.sha256)
        )?;
        if let Some(hash) = &step.contribution_hash {
            writeln!(out, "<dt>contribution hash</dt><dd>{}</dd>", Aloud(hash))?;
        }
        if let Some(beacon) = &step.beacon {
            writeln!(
                out,
                "<dt>beacon</dt><dd style=\"overflow-wrap:anywhere\">{}</dd>",
                Escaped(beacon)
            )?;
        }
        writeln!(out, "<dt>signed by</dt><dd>{}</dd>", Aloud(&step.key))?;
        if step.action == "contribution" {
            writeln!(
                out,
                "<dt>randomness</dt><dd>{}</dd><dt>destruction</dt><dd>{}</dd>",
                Escaped(&step.entropy),
                Escaped(&step.destruction)
            )?;
        }
        writeln!(out, "</dl></details>")?;
    }
    for rejected in &chain.rejected {
        writeln!(
            out,
            "<details><summary class=\"bad\">rejected: {}</summary>\n<dl>",
            Escaped(&rejected.file)
        )?;
        writeln!(
            out,
            "<dt>reason</dt><dd>{}</dd><dt>SHA-256</dt><dd>{}</dd></dl></details>",
            Escaped(&rejected.reason),
            Aloud(&rejected.sha256)
        )?;
    }
    Ok(())
}

fn headline(step: &ReportedStep) -> String {
    match step.action.as_str() {
        "contribution" => format!("contribution {}", step.index),
        other => other.to_owned(),
    }
}

fn write_files(out: &mut String, files: &[ReportedFile]) -> fmt::Result {
    writeln!(out, "<h2>Files and checks</h2>\n<div class=\"wide\"><table>")?;
    writeln!(
        out,
        "<tr><th>file</th><th class=\"number\">bytes</th><th class=\"number\">seconds</th><th>checks that passed</th></tr>"
    )?;
    for file in files {
        writeln!(
            out,
            "<tr><td><code>{}</code><br><span class=\"dim\">{}</span></td>",
            Escaped(&file.file),
            Escaped(&file.title)
        )?;
        writeln!(
            out,
            "<td class=\"number\">{}</td><td class=\"number\">{:.2}</td><td><details><summary>{}</summary><ul>",
            file.length,
            file.seconds,
            file.checks.len()
        )?;
        for check in &file.checks {
            let number = check.number.map_or_else(String::new, |number| format!("{number}. "));
            let remark =
                check.remark.as_ref().map_or_else(String::new, |remark| format!(" ({remark})"));
            writeln!(out, "<li>{number}{}{}</li>", Escaped(&check.statement), Escaped(&remark))?;
        }
        writeln!(out, "</ul></details></td></tr>")?;
    }
    writeln!(out, "</table></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_people_wrote_never_becomes_markup() {
        assert_eq!(Escaped("<b> & \"'").to_string(), "&lt;b&gt; &amp; &quot;&#39;");
        assert_eq!(Aloud("00112233aabb").to_string(), "<code class=\"hash\">0011 2233 aabb</code>");
    }
}
