//! What must hold for any texts.

use std::cmp::Ordering;

use imgguard::version::{SCHEMES, Scheme};
use proptest::prelude::*;

/// Schemes in which a part that only one side has does not count, so that two versions can each equal a third and differ (Bitnami's revision, pacman's `pkgrel`);
/// apk's, which sorts as text what does not follow its format; and Maven's own, in which `0.a` < `0.alpha.0` < `0` < `0.a`.
const NOT_TRANSITIVE: [&str; 4] = ["apk", "bitnami", "maven", "pacman"];

/// Versions as they are met: numbers, words, separators, in any order that makes sense to some scheme.
fn version() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "alpha", "beta", "b", "rc", "RC1", "a", "dev", "pre", "post", "sp", "ga", "final", "snapshot", "p", "jre", "x",
    ]);
    let number = prop::sample::select(vec!["0", "00", "1", "2", "10", "01", "010", "20240101"]);
    let part = prop_oneof![4 => number.prop_map(str::to_owned), 2 => word.prop_map(str::to_owned)];
    let separator = prop::sample::select(vec![".", ".", ".", "-", "_", "+", "~", ""]);
    (0u8..3, prop::collection::vec((separator, part), 0..5)).prop_map(|(first, parts)| {
        parts.into_iter().fold(first.to_string(), |text, (separator, part)| text + separator + &part)
    })
}

fn check_transitive(scheme: &Scheme, [a, b, c]: [&str; 3]) -> Result<(), TestCaseError> {
    let (Ok(ab), Ok(bc), Ok(ac)) = (scheme.compare(a, b), scheme.compare(b, c), scheme.compare(a, c)) else {
        return Ok(());
    };
    if ab.is_le() && bc.is_le() {
        prop_assert!(ac.is_le(), "{}: {a} {ab:?} {b} {bc:?} {c}, but {ac:?}", scheme.name);
        prop_assert!(ac.is_lt() || (ab.is_eq() && bc.is_eq()), "{}: {a} {ab:?} {b} {bc:?} {c}", scheme.name);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_orders_are_consistent(a in "\\PC{0,20}", b in "[0-9a-z.~^_:+-]{1,12}", c in version()) {
        for scheme in SCHEMES {
            for (x, y) in [(&a, &b), (&b, &c), (&a, &c)] {
                let (ours, back) = (scheme.compare(x, y), scheme.compare(y, x));
                prop_assert_eq!(ours.clone().ok().map(Ordering::reverse), back.ok(), "{} {} {}", scheme.name, x, y);
                prop_assert!(scheme.compare(x, x).is_ok_and(Ordering::is_eq) || scheme.compare(x, x).is_err());
            }
        }
    }

    #[test]
    fn orders_are_transitive(a in version(), b in version(), c in version()) {
        for scheme in SCHEMES.iter().filter(|scheme| !NOT_TRANSITIVE.contains(&scheme.name)) {
            for versions in [[&a, &b, &c], [&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
                check_transitive(scheme, versions.map(String::as_str))?;
            }
        }
    }
}
