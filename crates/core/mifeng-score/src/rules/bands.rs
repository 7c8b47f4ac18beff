//! Numbers of a rule set against the numbers of the pack.

use super::lint::Findings;
use super::{Exception, Method, Object, RuleSet};
use crate::number::parse_at;
use crate::pack::Pack;
use crate::price::{Form, PRICE_DECIMALS_MAX, PRICE_LINES_MAX};
use crate::{Error, Ratio};

/// Most decimals of points.
const DP_MAX: u32 = 6;

pub(super) fn check(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    price_weight(rules, findings)?;
    price_form(rules, findings)?;
    deductions(rules, findings)?;
    bonus(rules, findings)?;
    low(rules, findings)?;
    bidders(rules, findings);
    formula(rules, findings);
    framework(rules, findings)?;
    if rules.drop_price_extremes {
        findings.add("rules.drops-extremes", "drop_price_extremes");
    }
    if rules.dp > DP_MAX {
        return Err(Error::TooMany {
            what: "decimals of points",
            found: rules.dp as usize,
            limit: DP_MAX as usize,
        });
    }
    Ok(())
}

/// Whether a number lies within the `.least` and `.most` of a key, as far as the pack knows them.
fn within(pack: &Pack, key: &str, value: &Ratio) -> bool {
    let least = pack.number(&format!("{key}.least"));
    let most = pack.number(&format!("{key}.most"));
    least.is_none_or(|least| *value >= least) && most.is_none_or(|most| *value <= most)
}

fn price_weight(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    let weight = parse_at("price_weight", &rules.price_weight)?;
    if weight.is_negative() || weight > Ratio::from(100) {
        findings.add("rules.price-weight", "price_weight");
    }
    if rules.fixed_price {
        if weight != Ratio::zero() {
            findings.add("rules.fixed-price", "price_weight");
        }
        return Ok(());
    }
    let object = rules.object.name();
    match rules.method {
        Method::Composite => {
            let key = format!("price-weight.{object}");
            if !within(findings.pack, &key, &weight) {
                findings.add("rules.price-weight-low", "price_weight");
            }
        }
        Method::Consultation => {
            let key = format!("consultation-weight.{object}");
            if !within(findings.pack, &key, &weight) && !rules.weight_approved {
                findings.add("rules.consultation-weight", "price_weight");
            }
        }
        _ => {}
    }
    Ok(())
}

fn price_form(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    let form = &rules.price_form;
    if form.decimals > PRICE_DECIMALS_MAX || form.lines.len() > PRICE_LINES_MAX {
        return Err(Error::TooMany {
            what: "price decimals or lines",
            found: form.lines.len().max(form.decimals as usize),
            limit: PRICE_LINES_MAX,
        });
    }
    let mut ids = std::collections::BTreeSet::new();
    for line in &form.lines {
        let quantity = parse_at(&format!("price_form/{}", line.id), &line.quantity)?;
        let place = format!("price_form/{}", line.id);
        if line.id.is_empty() || !ids.insert(&line.id) || !quantity.is_positive() {
            findings.add("rules.price-line", &place);
        }
        if let Some(ceiling) = &line.ceiling {
            form.ceiling(ceiling)?;
        }
    }
    if form.is_list() == form.lines.is_empty() {
        findings.add("rules.price-line", "price_form");
    }
    for (place, text) in [("ceiling", &rules.ceiling), ("budget", &rules.budget)] {
        let Some(text) = text else { continue };
        if parse_at(place, text)? == Ratio::zero() {
            findings.add("rules.ceiling-zero", place);
        }
        form.ceiling(text)?;
    }
    let money = !matches!(form.form, Form::Rate | Form::FloatDown);
    if let (Some(ceiling), Some(budget), true) = (&rules.ceiling, &rules.budget, money)
        && Ratio::parse(ceiling)? > Ratio::parse(budget)?
    {
        findings.add("rules.ceiling-over-budget", "ceiling");
    }
    Ok(())
}

/// Zero is no deduction at all; whether that is wise is a warning.
fn deductions(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    let object = match rules.object {
        Object::Works => "works",
        _ => "goods",
    };
    let sme = parse_at("sme_rate", &rules.sme_rate)?;
    let joint = parse_at("sme_joint_rate", &rules.sme_joint_rate)?;
    let domestic = parse_at("domestic_rate", &rules.domestic_rate)?;
    let green = parse_at("green_rate", &rules.green_rate)?;
    let zero = Ratio::zero();
    for (code, place, key, rate) in [
        ("rules.sme-rate", "sme_rate", "sme", &sme),
        (
            "rules.sme-joint-rate",
            "sme_joint_rate",
            "sme-joint",
            &joint,
        ),
    ] {
        if *rate != zero && !within(findings.pack, &format!("{key}.{object}"), rate) {
            findings.add(code, place);
        }
    }
    if domestic != zero {
        match findings.pack.number("domestic.rate") {
            Some(rate) if rate == domestic => {}
            Some(_) => findings.add("rules.domestic-rate", "domestic_rate"),
            None => findings.add("rules.domestic-not-in-force", "domestic_rate"),
        }
        if rules.object == Object::Works {
            findings.add("rules.domestic-works", "domestic_rate");
        }
    }
    let sum = sme.clone().max(joint.clone()).add(&domestic)?.add(&green)?;
    let negative = [&sme, &joint, &domestic, &green]
        .into_iter()
        .any(Ratio::is_negative);
    if sum >= Ratio::one() || negative {
        findings.add("rules.deductions", "sme_rate");
    }
    if rules.reserved && (sme.is_positive() || joint.is_positive()) {
        findings.add("rules.reserved-deduction", "sme_rate");
    }
    if rules.highest_wins && sum.is_positive() {
        findings.add("rules.concession-deduction", "highest_wins");
    }
    let single = rules.method == Method::SingleSource;
    if !rules.reserved && !single && !rules.highest_wins && sme == zero {
        findings.add("rules.sme-none", "sme_rate");
    }
    Ok(())
}

/// Works that are not lowest price first may get points instead (46 art. 9).
fn bonus(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    for (place, key, text) in [
        ("sme_bonus_rate", "sme-bonus", &rules.sme_bonus_rate),
        (
            "sme_joint_bonus_rate",
            "sme-joint-bonus",
            &rules.sme_joint_bonus_rate,
        ),
    ] {
        let rate = parse_at(place, text)?;
        if rate == Ratio::zero() {
            continue;
        }
        let works = rules.method == Method::WorksDeviation && rules.object == Object::Works;
        if !works || !within(findings.pack, key, &rate) {
            findings.add("rules.sme-bonus", place);
        }
        if parse_at("sme_rate", &rules.sme_rate)?.is_positive() {
            findings.add("rules.sme-bonus-twice", place);
        }
    }
    if let Some(cap) = &rules.bonus_cap {
        parse_at("bonus_cap", cap)?;
    }
    Ok(())
}

fn low(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    for (place, key, text) in [
        ("low_mean_rate", "low.mean", &rules.low_mean_rate),
        ("low_ceiling_rate", "low.ceiling", &rules.low_ceiling_rate),
    ] {
        if !within(findings.pack, key, &parse_at(place, text)?) {
            findings.add("rules.abnormal-low-rate", place);
        }
    }
    Ok(())
}

fn bidders(rules: &RuleSet, findings: &mut Findings<'_>) {
    if matches!(rules.method, Method::SingleSource | Method::Framework) {
        return;
    }
    let known = |id: &str| findings.pack.number(id).and_then(|n| n.whole());
    let usual = known("bidders.least");
    let few = rules.exception.map(Exception::name).and_then(|name| {
        let fits = match rules.exception {
            Some(Exception::TwoLeft) => rules.method == Method::Negotiation,
            Some(Exception::Research) => rules.method == Method::Consultation,
            Some(Exception::ServicesTwo) => {
                rules.method == Method::Consultation && rules.object == Object::Services
            }
            _ => true,
        };
        known(&format!("bidders.least.{name}")).filter(|_| fits)
    });
    if rules.exception.is_some() && few.is_none() {
        findings.add("rules.exception", "exception");
    }
    let least = few.or(usual).and_then(|n| usize::try_from(n).ok());
    if least.is_some_and(|least| rules.min_bidders < least) {
        findings.add("rules.min-bidders", "min_bidders");
    }
}

fn formula(rules: &RuleSet, findings: &mut Findings<'_>) {
    let works = rules.method == Method::WorksDeviation;
    let given = usize::from(rules.works.is_some()) + usize::from(rules.formula.is_some());
    if given != usize::from(works) {
        findings.add("rules.works", "works");
        return;
    }
    let checked = match (&rules.works, &rules.formula) {
        (Some(works), _) => works.check().map(|()| works.formula()),
        (_, Some(formula)) => Ok(formula.clone()),
        _ => return,
    };
    let compiled = checked.and_then(|f| f.resolve(findings.pack)?.compile().map(|_| ()));
    if let Err(error) = compiled {
        findings.broken("rules.formula", "formula", &error);
    }
}

fn framework(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    if (rules.method == Method::Framework) != rules.framework.is_some() {
        findings.add("rules.framework", "framework");
    }
    let Some(own) = rules
        .framework
        .as_ref()
        .and_then(|f| f.eliminate.as_deref())
    else {
        return Ok(());
    };
    let own = parse_at("framework/eliminate", own)?;
    let least = findings.pack.number("framework.eliminate");
    if own >= Ratio::one() || least.is_some_and(|least| own < least) {
        findings.add("rules.framework-eliminate", "framework");
    }
    Ok(())
}
