"""A page and an API on one machine: photographs and webcams, predicted by the package's Predictor."""
