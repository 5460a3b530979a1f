"""The experiments of the five reports that the studies reproduce: row -> what it is.

R0 is Nouaji, Ghavidel and Farokhian 2023 (a convolutional GAN), R1 Bennett and Christensen
(DRAGAN), R2 Dai, Wei and Mao (DCGAN), R3 Bhope, Walia and Devarajan 2019 (data sets, optimizers,
WGAN), R4 Nguyen and Tran 2023 (a fully connected and a convolutional GAN).
"""

REPORTS = ("R0", "R1", "R2", "R3", "R4")

ROWS = {
    "R0.1": "MNIST: 20 against 100 epochs",
    "R0.2": "CIFAR-10: 20 against 80 epochs",
    "R0.3": "discriminator without dropout",
    "R0.4": "mean squared error instead of binary cross-entropy",
    "R0.5": "sigmoid instead of leaky ReLU in both nets",
    "R0.6": "batch sizes, 128 and 256 among them",
    "R0.7": "latents of 20, 50 and 100 numbers",
    "R1.1": "DRAGAN against a vanilla GAN: spread of the losses, MNIST",
    "R1.2": "DRAGAN against a vanilla GAN: spread of the losses, CelebA",
    "R1.3": "inception score over the epochs, CelebA",
    "R1.4": "quality and evenness of the samples, MNIST and CelebA",
    "R1.5": "larger and smaller learning rates, CelebA",
    "R1.6": "training batch size, CelebA",
    "R2.1": "twelve modifications of a DCGAN against its base (table 2)",
    "R2.2": "the discriminator's features under a linear SVM, CIFAR-10",
    "R2.3": "feature maps of a trained and of a random discriminator",
    "R2.4": "walks between latents",
    "R2.5": "arithmetic on latents",
    "R2.6": "discriminator loss below generator loss",
    "R3.A": "a fully connected GAN on MNIST, a DCGAN on CIFAR-10",
    "R3.B": "latents of 10, 100 and 200 numbers, MNIST",
    "R3.C": "Fashion-MNIST, flowers, and a DCGAN widened to 1,024 maps on MNIST",
    "R3.D": "Adadelta, Adagrad, Adam, RMSprop and SGD",
    "R3.E": "WGAN with clipped weights against GAN and DCGAN, MNIST",
    "R3.F": "future work: WGAN-GP, least squares, StyleGAN",
    "R4.1": "learning rates 0.0001 to 0.001, and up to 2,000 epochs",
    "R4.2": "latents of 100 and 256 numbers",
    "R4.3": "hard and soft labels",
    "R4.4": "ratio of discriminator and generator steps",
    "R4.5": "batch norm and dropout added and removed; activations",
    "R4.6": "FID over the epochs of a fully connected GAN",
    "R4.7": "FID over the iterations of a convolutional GAN, MNIST and CelebA",
    "R4.8": "batch norm in the discriminator, the generator, both or neither",
    "R4.9": "what the losses tell: their fluctuation, and their bearing on quality",
}
