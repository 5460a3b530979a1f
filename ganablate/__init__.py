"""Ablation studies of GANs: a YAML study, Ray Tune trials, one PyTorch trainer, honest tables."""

__version__ = "0.1.0"
