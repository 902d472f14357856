//! Twins whose signature does not belong to them: steps parse and signature.

use bytes::Bytes;
use sigcache_core::{
    Reason,
    verify::{Companion, Need},
};

use super::{Good, Kind, Plan, Twins, one};
use crate::drill::{flips, origin::Answer};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "flipped-bit",
        what: "one bit of what is signed is another one, at three places",
        demands: &[Reason::SignatureMismatch],
        make: flipped_bit,
    },
    Kind {
        name: "flipped-companion",
        what: "the same of its signature file, or of another companion",
        demands: &[Reason::SignatureMismatch],
        make: flipped_companion,
    },
    Kind {
        name: "unsigned",
        what: "the signature file is 404, or the signature is cut out of the document",
        demands: &[Reason::CompanionMissing, Reason::MalformedSignature, Reason::MalformedDocument, Reason::KeyUnknown],
        make: unsigned,
    },
];

fn flipped_bit(good: &Good) -> Twins {
    let flipped = flips::of_document(good.format(), &good.document, !good.is_signed_inside());
    if flipped.is_empty() {
        return Twins::None("nothing that is signed in it can be changed without changing its form".to_owned());
    }
    let plan = |(place, bytes): (String, Bytes)| good.plan(good.serving(Answer::Whole(bytes))).noted(place);
    Twins::Variants(flipped.into_iter().map(plan).collect())
}

fn flipped_companion(good: &Good) -> Twins {
    let flipped: Vec<_> = broken_companions(good, |bytes| flips::of_companion(bytes).map(Answer::Whole));
    let plans = flipped.into_iter().map(|(note, answers)| {
        let mut site = good.site();
        site.extend(answers);
        good.plan(site).noted(note)
    });
    let plans: Vec<Plan> = plans.collect();
    if plans.is_empty() { Twins::None("it has no companion".to_owned()) } else { Twins::Variants(plans) }
}

fn unsigned(good: &Good) -> Twins {
    if good.rests_on_digests() {
        return Twins::None("what is signed is the list of its anchor".to_owned());
    }
    if !good.is_signed_inside() {
        let missing = broken_companions(good, |_| Some(Answer::Status(404)));
        let plans = missing.into_iter().map(|(note, answers)| {
            let mut site = good.site();
            site.extend(answers);
            good.plan(site).caught_as(&[Reason::CompanionMissing]).noted(note)
        });
        return Twins::Variants(plans.collect());
    }
    let format = good.format();
    let content = || good.resource.rules.verifier.content(good.document.clone()).ok();
    let Some(bytes) = flips::unsigned(format, &good.document).or_else(content).filter(|bytes| *bytes != good.document)
    else {
        return Twins::None("this program does not know where its signature is".to_owned());
    };
    let reasons: &[Reason] = match format {
        "narinfo" => &[Reason::KeyUnknown],
        _ => &[Reason::MalformedSignature, Reason::MalformedDocument],
    };
    one(good.plan(good.serving(Answer::Whole(bytes))).caught_as(reasons).noted("cut out"))
}

fn broken_companions(good: &Good, answer: impl Fn(&Bytes) -> Option<Answer>) -> Vec<(String, Vec<(String, Answer)>)> {
    let (needed, others): (Vec<_>, Vec<_>) =
        good.companions().into_iter().partition(|(companion, _)| companion.need == Need::Required);
    let broken = |companions: &[(Companion, Bytes)]| {
        let names: Vec<&str> = companions.iter().map(|(companion, _)| &*companion.suffix).collect();
        let answers =
            companions.iter().filter_map(|(companion, bytes)| Some((good.path_of(companion), answer(bytes)?)));
        (names.join(", "), answers.collect::<Vec<_>>())
    };
    let groups = needed.chunks(1).chain(others.chunks(others.len().max(1)));
    groups.map(broken).filter(|(_, answers)| !answers.is_empty()).collect()
}
