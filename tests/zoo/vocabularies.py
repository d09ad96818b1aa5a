"""Tiny tokenizers of three kinds, trained on the lines below, and the prompts."""
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import trainers

LINES = [
    "The router sends each token to two of its experts, and the others rest.",
    "def add(x, y):\n    return x + y  # the sum of both",
    "Le routeur envoie chaque mot à deux experts; les autres se reposent.",
    "Der Router schickt jedes Wort zu zwei Experten, die anderen ruhen.",
    "a token is a word, or a piece of a word, and the experts are small",
    "for i in range(10):\n    print(i, add(i, 2))",
    "the sum of the weights of the two experts is one, or it is not",
    "each of the others is a small expert, and the router is a small one too",
]

PROMPTS = [
    "The router sends the sum of both to each of the two small experts, and rest is a word.",
    "for i in range(2):\n    print(add(i, 10))  # the sum of the weights of each token",
    "Le routeur envoie les autres à deux experts; the others are a piece of one token or of two.",
]

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=288,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def pieces() -> Tokenizer:
    """Pieces of words that start with a mark for the space, as SentencePiece writes them."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=128, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=96, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


TOKENIZERS = {"bytes": byte_level, "pieces": pieces, "words": words}
