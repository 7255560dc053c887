//! The confidence interval of a success rate.

/// The 95 % Wilson score interval of `successes` out of `trials` (Wilson 1927, eq. 6); 0 to 1 without trials.
pub fn wilson_interval(successes: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    // 97.5 % quantile of the normal distribution.
    let z = 1.959_963_984_540_054;
    let n = trials as f64;
    let p = successes as f64 / n;
    let denominator = 1.0 + z * z / n;
    let center = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (((center - half) / denominator).max(0.0), ((center + half) / denominator).min(1.0))
}
