"""From the ratings of several raters to labels: one value, or a distribution over raters, per window or clip."""
