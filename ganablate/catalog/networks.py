"""What the two nets are made of: networks, activations, initialisers."""

from ganablate.catalog.parts import Network, Part

_COUNTS = "ganablate.catalog.parameter_counts:"
_DEFAULTS = {
    "g_width": 64,
    "d_width": 64,
    "g_activation": "leaky_relu",
    "d_activation": "leaky_relu",
    "g_output": "tanh",
    "pixel_range": "signed",
    "g_norm": "none",
    "d_norm": "none",
    "d_dropout": 0.0,
    "init": "torch",
}
_CONV = {**_DEFAULTS, "g_width": 128, "d_dropout": 0.4, "init": "glorot_uniform"}
_BATCH_NORM = {**_DEFAULTS, "g_norm": "batch", "d_norm": "batch"}

NETWORKS: dict[str, Network] = {
    "conv28": Network(
        implementation="ganablate.gan.networks.conv:conv28",
        counts=_COUNTS + "conv",
        summary="R0's convolutional GAN for 28x28, without batch norm",
        source="R0, section 3.1",
        image_sizes=(28,),
        defaults={**_CONV, "g_output": "sigmoid", "pixel_range": "unit"},
    ),
    "conv32": Network(
        implementation="ganablate.gan.networks.conv:conv32",
        counts=_COUNTS + "conv",
        summary="R0's convolutional GAN at 32x32, without batch norm; our reading",
        source="R0, sections 3.1 and 3.2",
        image_sizes=(32,),
        defaults=_CONV,
    ),
    "mlp": Network(
        implementation="ganablate.gan.networks.mlp:mlp",
        counts=_COUNTS + "mlp",
        summary="fully connected GAN: layers of width/4, width/2, width",
        source="R4, tables I and II; R1, section 3.1",
        image_sizes=None,
        convolutions=False,
        defaults={
            **_DEFAULTS, "g_width": 1024, "d_width": 1024, "d_dropout": 0.3, "hidden_layers": 3,
        },
    ),
    "dcgan": Network(
        implementation="ganablate.gan.networks.dcgan:dcgan",
        counts=_COUNTS + "dcgan",
        summary="DCGAN: strided convolutions, batch norm, no bias",
        source="Radford et al. 2016, arXiv 1511.06434; R1, R2",
        image_sizes=(28, 32, 64, 128),
        defaults={
            **_BATCH_NORM, "g_activation": "relu", "init": "normal_0.02",
            "resampling": "strided", "ends": "convolution",
        },
    ),
    "enhanced": Network(
        implementation="ganablate.gan.networks.dcgan:enhanced",
        counts=_COUNTS + "enhanced",
        summary="R4's convolutional GAN: batch norm and leaky ReLU throughout; sizes are our guess",
        source="R4, section V",
        image_sizes=(28, 64),
        defaults=_BATCH_NORM,
    ),
}  # fmt: skip

ACTIVATIONS: dict[str, Part] = {
    name: Part(implementation=f"ganablate.gan.activations:{name}", summary=summary, source=source)
    for name, summary, source in (
        ("relu", "max(x, 0)", "DCGAN's generator, arXiv 1511.06434"),
        ("leaky_relu", "x, or 0.2 x below zero", "DCGAN's discriminator, arXiv 1511.06434; R0"),
        ("sigmoid", "1 / (1 + exp(-x))", "R0.5"),
        ("tanh", "hyperbolic tangent", "R4.5"),
        ("identity", "x", "a last layer without a squashing function"),
    )
}

INITIALISERS: dict[str, Part] = {
    name: Part(
        implementation=f"ganablate.gan.initialisers:{name.replace('.', '_')}",
        summary=summary,
        source=source,
    )
    for name, summary, source in (
        ("torch", "uniform in +-1/sqrt(fan_in)", "torch.nn.Linear.reset_parameters"),
        ("normal_0.02", "N(0, 0.02)", "DCGAN, arXiv 1511.06434, section 4; R2"),
        ("glorot_uniform", "Glorot's uniform, biases 0", "Glorot and Bengio 2010; R0 (Keras)"),
    )
}
