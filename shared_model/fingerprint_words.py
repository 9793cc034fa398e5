"""A study's fingerprint as words that two people compare by telephone."""

_LIST = """
acorn actor album amber anchor angle ankle apple apron arch army arrow attic autumn axe badge bagel
baker bamboo banana barn basket beach beard beaver bell bench berry bicycle bird blanket blossom boat
bonfire book bottle branch bread breeze brick bridge broom bucket bulb butter button cabin cable cactus
camel candle canoe captain carpet carrot castle cattle cellar chalk cheese cherry chess chimney church
circle circus cliff clock cloud clover coconut coffee comet compass copper coral corner cotton cousin
cradle crayon cricket crown cup curtain cushion daisy dancer desert diamond dinner dolphin donkey donut
dragon drum duck eagle earth echo elbow elephant engine envelope fabric falcon family farmer feather
fence fern fiddle finger fire flag flute forest fork fossil fountain fox frog fruit galaxy garden garlic
gate giant ginger giraffe glass globe glove goat gold grape grass guitar hammer harbour harp hat hedge
helmet hill honey hook horse hotel igloo ink insect iron island ivory jacket jam jelly jewel jigsaw
judge juice jungle kettle key king kitchen kite ladder lake lamp laptop lawn leaf lemon lentil letter
lion lizard lobster log lunch magnet mango maple marble market meadow melon mirror monkey moon mountain
mouse mushroom napkin needle nest net north nurse oak oasis ocean olive onion orange orchard otter oven
owl ox paddle palace panda paper parrot peach peanut pebble pencil pepper piano picnic pillow pilot
pirate planet plum pocket pond pony potato pumpkin puzzle queen rabbit radio raft rainbow ribbon river
robot rocket roof rose saddle sailor sandal saturn shovel silver spider sugar tiger tulip
"""

WORDS = tuple(_LIST.split())
"""256 plain English words, one for each byte."""

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # of a fingerprint, 5 bits each (shared_model/proposal.py)


def words_of(fingerprint: str) -> str:
    """Ten words for the 80 bits of a fingerprint, in its order.

    Raises ValueError for a text that is none.
    """
    digits = fingerprint.replace("-", "")
    if len(digits) != 16:
        raise ValueError("a fingerprint has 16 digits")
    number = 0
    for digit in digits:
        number = number << 5 | _DIGITS.index(digit)
    return " ".join(WORDS[byte] for byte in number.to_bytes(10, "big"))
