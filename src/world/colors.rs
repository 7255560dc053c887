//! Colors that distinguish posts.

/// Name, and red, green and blue (sRGB, 0 to 1) of each color. Observations have the same order.
pub const COLORS: [(&str, [f32; 3]); 8] = [
    ("red", [0.80, 0.14, 0.12]),
    ("green", [0.16, 0.55, 0.22]),
    ("blue", [0.13, 0.32, 0.75]),
    ("yellow", [0.92, 0.76, 0.12]),
    ("white", [0.92, 0.92, 0.90]),
    ("black", [0.09, 0.09, 0.10]),
    ("orange", [0.93, 0.45, 0.10]),
    ("violet", [0.48, 0.22, 0.62]),
];
