"""Writes a model of llama's architecture for vLLM into a folder: small, and always saying the same.

Usage: make_model.py FOLDER PIECE...

There is no attention to speak of: each piece of what it says is one token, whose embedding calls for the next one. Any
other token calls for the first piece, and the last piece ends the answer.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WIDTH, HEADS, KEYS, LAYERS, FEED = 512, 16, 4, 1, 64
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def in_bytes(piece: bytes) -> str:
    """Returns how a byte-level tokenizer spells these bytes: printable ones as they are, others from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return "".join(chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in piece)


def write_tokenizer(folder: Path, pieces: list[str]) -> int:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<unk>", "<s>", "</s>", *alphabet, *(piece for piece in pieces if piece not in alphabet)]
    tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=[], unk_token="<unk>"))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "chat_template": TEMPLATE,
        "model_max_length": 2048,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return len(words)


def write_weights(folder: Path, size: int, chain: list[int]) -> None:
    def zero(*shape: int) -> torch.Tensor:
        return torch.zeros(*shape, dtype=torch.bfloat16)

    one = torch.ones(WIDTH, dtype=torch.bfloat16)
    embeddings = torch.eye(size, WIDTH, dtype=torch.bfloat16)
    head = zero(size, WIDTH)
    for token, following in zip(chain, [*chain[1:], 2]):
        head[following, token] = 1
    for token in set(range(size)) - set(chain):
        head[chain[0], token] = 1
    weights = {"model.embed_tokens.weight": embeddings, "model.norm.weight": one.clone(), "lm_head.weight": head}
    small = WIDTH // HEADS * KEYS
    for i in range(LAYERS):
        layer = f"model.layers.{i}"
        weights |= {
            f"{layer}.input_layernorm.weight": one.clone(),
            f"{layer}.post_attention_layernorm.weight": one.clone(),
            f"{layer}.self_attn.q_proj.weight": zero(WIDTH, WIDTH),
            f"{layer}.self_attn.k_proj.weight": zero(small, WIDTH),
            f"{layer}.self_attn.v_proj.weight": zero(small, WIDTH),
            f"{layer}.self_attn.o_proj.weight": zero(WIDTH, WIDTH),
            f"{layer}.mlp.gate_proj.weight": zero(FEED, WIDTH),
            f"{layer}.mlp.up_proj.weight": zero(FEED, WIDTH),
            f"{layer}.mlp.down_proj.weight": zero(WIDTH, FEED),
        }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": size,
        "hidden_size": WIDTH,
        "intermediate_size": FEED,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEYS,
        "head_dim": WIDTH // HEADS,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
    }
    (folder / "config.json").write_text(json.dumps(config))


def main() -> None:
    folder = Path(sys.argv[1])
    # bytes as the command line has them: a piece may be half a character
    pieces = [in_bytes(bytes.fromhex(piece)) for piece in sys.argv[2:]]
    if len(set(pieces)) != len(pieces):
        raise SystemExit("expected every piece once")
    folder.mkdir(parents=True, exist_ok=True)
    size = write_tokenizer(folder, pieces)
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    write_weights(folder, size, [words.token_to_id(piece) for piece in pieces])
    print(json.dumps({"size": size}))


main()
