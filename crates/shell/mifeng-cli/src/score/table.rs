//! A result as a table for people, whatever its method computes.

use crate::ui::Lang;
use serde_json::Value;

/// Members of results in the order they are shown: key, Chinese, English.
const LABELS: [(&str, &str, &str); 34] = [
    ("rank", "名次", "rank"),
    ("id", "投标人", "bidder"),
    ("price", "投标报价", "price"),
    ("eval_price", "评标价", "evaluated"),
    ("evaluated_price", "评标价", "evaluated"),
    ("price_points", "价格分", "price points"),
    ("quality", "评委平均", "quality"),
    ("total", "总分", "total"),
    ("deviation_pct", "偏离率%", "deviation %"),
    ("score", "得分", "points"),
    ("points", "得分", "points"),
    ("same_brand_excluded", "同品牌非最优", "not best of brand"),
    ("eliminated", "淘汰", "eliminated"),
    ("benchmark", "基准价", "benchmark"),
    ("abnormal_low", "启动低价审查", "low-price review"),
    ("effective_bidders", "有效投标人数", "effective bidders"),
    ("procedure_fails", "不足法定家数", "too few bidders"),
    ("draw_needed", "需抽签", "draw among"),
    ("brand_draws", "同品牌需抽签", "draws within brands"),
    ("invalid", "无效投标", "invalid"),
    ("reviewed", "已审查", "reviewed"),
    ("reason", "理由", "reason"),
    ("article", "依据", "article"),
    ("pack", "规则包", "rule pack"),
    ("digest", "摘要", "digest"),
    ("steps", "步骤", "steps"),
    ("clause", "条款", "clause"),
    ("before", "修正前", "before"),
    ("after", "修正后", "after"),
    ("readings", "可能读法", "readings"),
    ("units", "单价", "unit prices"),
    ("mean", "平均", "mean"),
    ("winner", "第一名", "first"),
    ("confirm", "需投标人确认", "bidder must confirm"),
];

/// What people need not see: it is in the JSON and in the derivation.
const HIDDEN: [&str; 2] = ["basis", "digest"];

/// Where a member stands: as the labels do, unknown ones last.
fn place(key: &str) -> usize {
    let found = LABELS.iter().position(|(known, _, _)| *known == key);
    found.unwrap_or(LABELS.len())
}

fn label(key: &str, lang: Lang) -> &str {
    let found = LABELS.iter().find(|(known, _, _)| *known == key);
    match (found, lang) {
        (Some((_, zh, _)), Lang::Zh) => zh,
        (Some((_, _, en)), Lang::En) => en,
        (None, _) => key,
    }
}

/// The lines of a result: its rows as a table, then everything else that it says.
pub(super) fn lines(result: &Value, lang: Lang) -> Vec<String> {
    let Some(members) = result.as_object() else {
        return vec![text(result, lang)];
    };
    let mut lines = Vec::new();
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(key, _)| (*key != "rows", place(key)));
    for (key, value) in members {
        if HIDDEN.contains(&key.as_str()) {
            continue;
        }
        match value.as_array() {
            Some(rows) if rows.iter().any(Value::is_object) => {
                if key != "rows" {
                    lines.push(format!("{}:", label(key, lang)));
                }
                lines.extend(table(rows, lang));
            }
            _ => lines.push(format!("{}: {}", label(key, lang), text(value, lang))),
        }
    }
    lines
}

fn text(value: &Value, lang: Lang) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => match lang {
            Lang::Zh => "是".to_owned(),
            Lang::En => "yes".to_owned(),
        },
        Value::Bool(false) | Value::Null => "-".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().map(|value| text(value, lang)).collect();
            parts.join(", ")
        }
        Value::Object(members) if members.is_empty() => "-".to_owned(),
        Value::Object(members) if members.contains_key("clause") => {
            let part = |key: &str| text(&value[key], lang);
            format!(
                "{} → {} ({})",
                part("before"),
                part("after"),
                part("clause")
            )
        }
        // A rule pack is its id here; the digest is in the JSON.
        Value::Object(members) if members.contains_key("digest") => text(&value["id"], lang),
        Value::Object(members) => {
            let shown = members
                .iter()
                .filter(|(key, _)| !HIDDEN.contains(&key.as_str()));
            let parts: Vec<String> = shown
                .map(|(key, value)| format!("{} {}", label(key, lang), text(value, lang)))
                .collect();
            parts.join("; ")
        }
    }
}

/// Columns as wide as their longest cell; numbers stand to the right.
fn table(rows: &[Value], lang: Lang) -> Vec<String> {
    let mut keys: Vec<&String> = Vec::new();
    for row in rows {
        for key in row.as_object().into_iter().flat_map(|row| row.keys()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.sort_by_key(|key| place(key));
    let mut cells: Vec<Vec<String>> =
        vec![keys.iter().map(|key| label(key, lang).to_owned()).collect()];
    for row in rows {
        cells.push(
            keys.iter()
                .map(|key| text(&row[key.as_str()], lang))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..keys.len())
        .map(|column| {
            cells
                .iter()
                .map(|row| width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .zip(&keys)
            .map(|((cell, most), key)| {
                let blanks = " ".repeat(most.saturating_sub(width(cell)));
                match key.as_str() {
                    "id" | "reason" | "article" => format!("{cell}{blanks}"),
                    _ => format!("{blanks}{cell}"),
                }
            });
        format!("  {}", padded.collect::<Vec<_>>().join("  "))
            .trim_end()
            .to_owned()
    };
    cells.iter().map(line).collect()
}

/// Columns of a terminal that a text takes: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|sign| if u32::from(sign) >= 0x1100 { 2 } else { 1 })
        .sum()
}
