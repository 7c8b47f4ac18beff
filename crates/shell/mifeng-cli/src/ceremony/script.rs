//! The printed script: every step with what to type, what to see, boxes to tick and lines to sign.

use super::steps::{ROLES, STEPS};
use super::{Ceremony, Table};
use crate::ui::{self, Outcome};
use std::fmt::Write as _;

const STYLE: &str = "body{font:11pt/1.5 'Noto Serif CJK SC',SimSun,serif;max-width:42em;margin:2em auto}\
    h2{break-after:avoid;border-bottom:1px solid}section{break-inside:avoid}\
    pre{background:#eee;padding:.5em;white-space:pre-wrap}td,th{border:1px solid;padding:.3em .6em}\
    table{border-collapse:collapse;width:100%}.sign{height:2.5em}small{color:#444}";

/// Writes `script.html` (to print) and `script.md` (to read anywhere) into the folder.
pub(super) fn write(table: &Table) -> Outcome {
    let it = &table.ceremony;
    ui::write(&table.folder.join("script.html"), html(it).as_bytes())?;
    ui::write(&table.folder.join("script.md"), markdown(it).as_bytes())
}

fn title(it: &Ceremony) -> String {
    let kind = if it.rehearsal {
        "演练 Rehearsal"
    } else {
        "密钥仪式 Key ceremony"
    };
    format!(
        "{kind}: {} · {}/{} · {}",
        it.session, it.quorum, it.of, it.suite
    )
}

// Writing into a String does not fail.
fn markdown(it: &Ceremony) -> String {
    let mut out = format!("# {}\n\n", title(it));
    for role in ROLES {
        let _ = writeln!(
            out,
            "- **{}** {}；核对：{}",
            role.zh.0, role.zh.1, role.zh.2
        );
        let _ = writeln!(
            out,
            "  **{}** {}; checks: {}",
            role.en.0, role.en.1, role.en.2
        );
    }
    for (number, step) in (1..).zip(STEPS) {
        let _ = writeln!(out, "\n## {number}. {} / {}\n", step.title.0, step.title.1);
        let _ = writeln!(
            out,
            "{}：{}\n{}: {}\n",
            step.who.0, step.what.0, step.who.1, step.what.1
        );
        for line in step.commands(it) {
            let _ = writeln!(out, "    {line}");
        }
        let _ = writeln!(out, "\n- [ ] {} / {}", step.expect.0, step.expect.1);
        for (zh, en) in step.trouble {
            let _ = writeln!(out, "- 若 {zh} / if {en}");
        }
    }
    out
}

fn html(it: &Ceremony) -> String {
    let title = escape(&title(it));
    let mut out = format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1><table>"
    );
    for role in ROLES {
        let _ = write!(
            out,
            "<tr><th>{}<br><small>{}</small><td>{}<br><small>{}</small><td>□ {}<br><small>{}</small>",
            role.zh.0, role.en.0, role.zh.1, role.en.1, role.zh.2, role.en.2
        );
    }
    out.push_str("</table>");
    for (number, step) in (1..).zip(STEPS) {
        let _ = write!(
            out,
            "<section><h2>{number}. {} <small>{}</small></h2><p><b>{}</b>：{}<br><small>{}: {}</small></p>",
            step.title.0, step.title.1, step.who.0, step.what.0, step.who.1, step.what.1
        );
        for line in step.commands(it) {
            let _ = write!(out, "<pre>{}</pre>", escape(&line));
        }
        let _ = write!(
            out,
            "<p>□ {}<br><small>{}</small></p><ul>",
            step.expect.0, step.expect.1
        );
        for (zh, en) in step.trouble {
            let _ = write!(out, "<li>若 {zh}<br><small>if {en}</small>");
        }
        out.push_str("</ul><table><tr><th>受托人<th>八词 eight words<th>□<th>时间 time");
        for index in 1..=it.of {
            let _ = write!(out, "<tr class=\"sign\"><td>{index}<td><td>□<td>");
        }
        out.push_str("</table></section>");
    }
    out.push_str("<section><h2>签名 Signatures</h2><table>");
    for who in ["主持人 chair", "监督人 observer", "技术员 technician"] {
        let _ = write!(out, "<tr class=\"sign\"><th>{who}<td>");
    }
    for index in 1..=it.of {
        let _ = write!(out, "<tr class=\"sign\"><th>受托人 trustee {index}<td>");
    }
    out.push_str("</table></section></html>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
