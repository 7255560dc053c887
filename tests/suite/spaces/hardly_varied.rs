//! Numbers that hardly varied in the data are not amplified by their normalization.

use apprentice::spaces::{DataStatistics, Field, Layout, Normalizer};

use crate::testing::learn::Lcg;

fn layout() -> Layout {
    Layout::new(
        "car/observation",
        vec![
            Field::new("speed", 1, "m/s", -30.0, 30.0),
            Field::new("roll", 1, "1", -1.0, 1.0),
            Field::new("contact", 2, "1", 0.0, 1.0),
            Field::new("goal", 1, "m", -20.0, 20.0),
            Field::new("unit of its own", 1, "lx", 0.0, 100.0),
        ],
    )
}

/// Speeds of a car on a flat road: its roll is jitter, its wheels touch the ground, there is no goal.
fn flat_road() -> Vec<f32> {
    let mut rng = Lcg(3);
    (0..1000)
        .flat_map(|_| [10.0 + 2.0 * rng.normal(), 0.003 * rng.normal(), 1.0, 1.0, 0.0, 50.0 + 0.1 * rng.normal()])
        .collect()
}

#[test]
fn what_the_data_lacks_stays_small() {
    let (layout, data) = (layout(), flat_road());
    let normalizer = Normalizer::fit(data.chunks_exact(6), &layout);
    let mut far = [10.0, 0.105, 0.0, 0.0, 20.0, 60.0];
    normalizer.normalize(&mut far);
    // 6 degrees of bank are 35 standard deviations of the jitter, and wheels in the air are outside of all data.
    assert!((far[1] - 0.0525).abs() < 1e-3 && (far[5] - 0.1).abs() < 1e-3, "{far:?}");
    assert!(far[2..4].iter().all(|x| *x == -1.0) && far[4] == 0.5, "{far:?}");
}

#[test]
fn numbers_that_varied_have_unit_standard_deviation() {
    let (layout, mut data) = (layout(), flat_road());
    let statistics = DataStatistics::of(data.chunks_exact(6), 6);
    assert_eq!(statistics.hardly_varied(&layout), ["roll", "contact", "goal", "unit of its own"]);
    let normalizer = statistics.clone().normalizer(&layout);
    assert_eq!(normalizer.std[0], statistics.std[0]);
    assert_eq!((normalizer.min[2], normalizer.max[4]), (1.0, 0.0));
    normalizer.normalize(&mut data);
    let normalized = DataStatistics::of(data.chunks_exact(6), 6);
    assert!((normalized.std[0] - 1.0).abs() < 1e-3 && normalized.std[1] < 0.01, "{normalized:?}");
}

#[test]
fn one_element_that_varied_is_enough_for_its_field() {
    let layout = Layout::new("o", vec![Field::new("ray", 2, "m", 0.0, 25.0)]);
    let rows = [[25.0, 3.0], [25.0, 9.0]];
    let statistics = DataStatistics::of(rows.iter().map(<[f32; 2]>::as_slice), 2);
    assert!(statistics.hardly_varied(&layout).is_empty());
    assert_eq!(statistics.normalizer(&layout).std, [25.0, 3.0]);
}

#[test]
fn less_variation_never_gives_a_greater_input() {
    // A number at its bound, as it varied less and less.
    let field = Field::new("x", 1, "rad", -1.0, 1.0);
    let layout = Layout::new("o", vec![field]);
    let mut last = f32::INFINITY;
    for exponent in 0..40 {
        let std = 0.5 * 0.7f32.powi(exponent);
        let rows = [[std], [-std]];
        let normalizer = Normalizer::fit(rows.iter().map(<[f32; 1]>::as_slice), &layout);
        let mut own = [std];
        normalizer.normalize(&mut own);
        assert!(own[0] <= last && normalizer.std[0] <= 2.0, "{std}: {own:?}");
        last = own[0];
    }
    assert!(last < 1e-6, "{last}");
}

#[test]
fn a_range_that_is_not_whole_is_refused() {
    let layout = layout();
    let mut normalizer = Normalizer::fit(flat_road().chunks_exact(6), &layout);
    assert!(normalizer.check_range().is_ok() && Normalizer::identity(6).check_range().is_ok());
    normalizer.min[1] = 1.0;
    assert!(normalizer.check_range().unwrap_err().contains("above the greatest"));
    normalizer.min.pop();
    assert!(normalizer.check_range().unwrap_err().contains("5 smallest and 6 greatest"));
}
