"""Every constant of the engine that somebody set, with its unit, what it does, and where it comes from.

    definition   it says what a word of the answer means
    measured     chosen by measurement on the development sets; docs/mathematics.md says how
    text         from the cited source, or the field's custom
    hand         set by judgement: near values were not compared on sets kept apart
    cost         a limit on time or memory: without it an answer takes longer and is as right
    guard        keeps a logarithm, a division or a step finite

`tests/engine/test_priors.py` lists the numbers that other modules still hold beside 0, 1, 2 and one half.
"""

from __future__ import annotations

# Memory: columns, values, vectors, patterns, what is set apart.

MOST_NUMBERS = 1 << 62  # codes | records are numbered anew before their number grows beyond this | guard
TEXT_MIN_WORDS = 5.0  # words a value | a string column of longer values may be prose | hand
TEXT_MIN_DISTINCT_SHARE = 0.3  # share of episodes | of distinct values from which it is | hand
RECURS = 20.0  # episodes a value | from which a number is one that recurs, such as a score | hand
FEW_DROPPED = 64  # episodes | up to which each is erased by itself | cost
WIDENED = 16_384  # episodes | up to which a field's codes are kept in the width that sums take, too | cost
READS_KEPT = 8192  # values | of a field of which it is kept how they read | cost
FEW_SOUGHT = 4  # values | up to which the episodes of each are looked for by themselves | cost
RESOLUTION_SHARE = 0.02  # share of the 5-95 % range | as near as this a measurement is right | definition
RESOLUTION_TAIL = 0.05  # share of values | that lie outside of that range on either side | definition
SAME_PLACE = 1e-9  # share of the range | nearer values are one value, rounded | guard
SAMPLE_SIZE = 4096  # episodes | sampled to tell spacing and shared information | cost
MIN_SUPPORT = 5  # episodes | that must show a regularity | hand
MIN_LIFT = 2.0  # ratio to chance | from which it is one | hand
MAX_PATTERNS = 1000  # regularities | listed of a space | cost
PER_PAIR = 50  # regularities | of one field about another | cost
MIN_REUSE = 2.0  # episodes a value | below it a field names episodes and has no regularities | hand
REPLAYS = 240  # episodes | set apart to be asked for again | cost
JUDGING = 100  # episodes | by which ways to generalise are compared | cost
DAMAGED = 0.3  # share of stored replays | with one wrong value in the cue | hand
CUE_SHARES = (0.2, 0.8)  # share of an episode's fields | that a cue gets, least and most | hand
TARGETS_PER_REPLAY = 4  # fields | asked of one replay | cost
MOSTLY = 0.9  # share of episodes | with a time from which a space has an order in time | hand
LATEST = 5  # | the last so-manieth part in time is set apart as what is new | hand
APART = 4  # | no more than the so-manieth part of the episodes is | hand
MEANINGS_COMPARED = 128  # values | of a field, whose pairs tell how near random ones lie by meaning | cost
LEAST_SPREAD = 1e-3  # cosine | that random pairs spread at least | guard
RANDOM_PAIRS = 8.0  # pairs | of the model's own words, beside those of the field | hand
SEED = 20240601  # | of every draw: two consolidations of one space are the same | hand
AXES = 64  # dimensions | told apart in the second moments at most | cost
VECTORS_PER_AXIS = 4  # vectors | that an axis must have to be more than chance | hand
LEAST_REST = 0.0025  # share of the mean variance | that the axes leave over at least | guard
LEAST_DEVIATION = 0.05  # share of the mean deviation | below which no dimension is scaled up | guard
LEAST_NOISE = 0.02  # share of the spread | smaller noise is as good as none | hand
FREEDOM = 0.1  # degrees of freedom | of the prior on the size of the noise: nearly flat | hand
MOST_REACH_NATS = 300.0  # nats a half dimension | beyond it every distance counts | guard
LIKE = 0.1  # share | prior of a cue's vector being another event's like it, not a copy | hand
MAX_NATS = 20.0  # nats | that one vector can say at most | definition
MIN_OBSERVED = 2  # dimensions | below which a vector says nothing | hand
MIN_ZEROED = 0.1  # share of dimensions | exactly zero from which they may stand for lost ones | hand
LEAST_LOST = 0.1  # chance | that they do, at least | hand
MOST_LOST = 0.999  # chance | that they do, at most | hand
SPECTRUM_SAMPLE = 512  # vectors | the second moments are taken from | cost
COMPARED_EXACTLY = 1 << 17  # numbers | of the nearest episodes that are compared again in float64 | cost
ROUNDED_OFF = 1e-4  # share of a bound on a distance | taken off for rounding | guard
MOST_COMPARED = 0.125  # share of the vectors | that are compared by themselves before all are | cost
FEWEST_PROJECTED = 4096  # vectors | from which they are bounded by few of their axes | cost
FIRST_COMPARED = 2  # ratio | of the vectors first compared to those compared in float64 | cost
LOWEST_SAMPLE = 8  # | the so-manieth of their bounds shows about which these are | cost
BLOCK_BYTES = 1 << 18  # bytes | of differences at a time: they stay in the processor's cache | cost
CONTIGUITY_LAG = 5.0  # episodes | over which nearness in time to a context fades (Kahana 1996) | hand
CONTIGUITY_FLOOR = 0.3  # share | that it leaves to any episode | hand

# Recollection: how like two values are.

NAME_FLOOR = 0.2  # share of trigrams | below it two names are not compared letter by letter | cost
EVIDENCE_KEPT_BYTES = 1 << 18  # bytes | of a field, for what cues of the same values say | cost
EVIDENCE_SHARE = 0.25  # share of these | that one value may take | cost
EVIDENCE_BYTES_A_VALUE = 64.0  # bytes | that all arrays over the values take for each of them | cost
MANY_NAMES = 2048  # names | from which on those that share most trigrams are sought first | cost
NAMES_COMPARED = 64  # names | compared letter by letter | cost
TYPO_NATS = 3.0  # nats a typo | each makes a name twenty times less likely to be meant | hand
MOST_TYPOS = 4.0  # typos | between names that are near by chance, at most | hand
SPELLING_MARGIN = 0.1  # Dice coefficient | below the best at which a word may be the one misspelt | hand
STEP = 1.0  # steps | to a neighbouring value that is one third as likely as the value itself | hand
PRIOR_STORED = 0.5  # chance | before a cue is read, that it means a stored event | definition
EXCHANGED = 0.01  # share of cues | that have the values of two fields the wrong way round | hand
TOLD_APART = 1e-6  # share | of an exchanged reading below which it is left out | cost
RANDOM_CUES = 0.05  # share of cues | whose values have nothing to do with each other | hand
DAMAGED_OF = 4.0  # fields | of a cue of which one is damaged as often as the reading's prior says | definition
FRAGMENT = 0.5  # share of the texts of cues | that are fragments of the passage they mean | hand
LEAST_BROAD = 0.01  # nearness | below which a value is not like a new event's | cost
MOST_ODDS = 500.0  # nats | beyond which a match is as good as certain | guard
MOST_RATIO = 30.0  # nats | by which damage explains a value better at most | guard
KERNEL_REPLAYS = 120  # episodes | asked anew to tell how new events stray | cost
KERNEL_ROUNDS = 8  # rounds of EM | until the kernels hardly change | cost
KERNEL_ROWS = (
    4096  # episodes | against which they are asked; beyond, what more of them would tell is told by growth | cost
)
KERNEL_HALVINGS = 2  # halvings | of these by which growth is told | cost
TIED_BITS = 20  # bits | of a lot by which episodes of equal lots are told apart | definition
KERNEL_PSEUDO = 0.5  # replays | that each kernel counts for beside those seen (Jeffreys) | text
WORD_NOISE = 0.15  # chance | that a word of the cue is none of the passage's | hand
WORD_REACH = 4  # words | within which a fragment's next word follows in its passage | hand
FOLLOWS = 0.9  # chance | that it does in the passage the fragment is from | hand
FOLLOWS_BY_CHANCE = 0.3  # chance | that it does in another that has both words | hand
CONTENDS = 0.01  # share of the best | below it a passage's order is not read | cost
REREAD = 64  # passages | whose order of words is read | cost
NEAR_LEAST = 1e-9  # nearness | of a number below which it is as far as any other | cost
MEANT_DEVIATIONS = 2.3  # deviations of random pairs | by which texts that mean the same lie nearer | measured
MOST_MEANING = 8.0  # nats | that a likeness of meaning can say at most | hand
IN_OTHER_WORDS = 0.3  # share of unknown texts of cues | that say a stored one in other words | hand
NEAR_ENOUGH = 0.05  # likeness | below it values are not alike | hand
LIKELY = 0.5  # nearness | from which a name is likely said in other words by a cue's unknown one | definition
SAME = 0.999  # likeness | from which a value does not contradict | guard
RECOLLECTION_WIDTH = 0.01  # share of ranks | within which a number is the same event's | definition
GENERALISATION_WIDTH = 0.05  # share of ranks | within which a number is a similar event's | definition
PRUNED = 1e-6  # share | of the competition of all episodes together that are not scored one by one | cost
FEWEST_SCORED = 2048  # episodes | that are scored one by one at least | cost
MAX_KINDS = 16_384  # ways of matching | up to which episodes that match alike are scored once | cost

# Generalisation: what the heads share.

FEW_KINDS = 4  # candidates a kind of match | from which on generalisation scores kinds instead | cost
CANDIDATES = 16_384  # episodes | that generalisation sums over one by one at most | cost
FEW_HAVE = 1 / 32  # share of episodes | that have a value up to which those that have it are compared first | cost
MOST_SCORED = 2048  # episodes | that are compared where few have the cue's values | cost
EVENLY_SPREAD = 256  # episodes | that tell what all the others weigh | cost
MISPLACED = 0.25  # share of an answer | that telling the others together may misplace at most | cost
SCHEMA_PSEUDOCOUNT = 2.0  # episodes | of the base rate beside those with a value | hand
BROAD_WRONG = 0.1  # chance | that a similar event's value is another, before anything is learned | hand
BROAD_DISTORTED = 0.3  # chance | that it is a likeness | hand
SUM_BITS = 62  # bits | of the whole numbers that are summed in no order | definition
FEW_DISTINCT = 64  # values | up to which a dictionary tells the distinct ones faster than a sort | cost
FEW_VALUES = 8  # episodes a value | from which a field's values are ranked before its episodes | cost
LEVEL_MARGIN = 1.5  # ratio | of the episodes looked at to those wanted, of many that score the same | cost
DEFAULT_W = 0.5  # weight | of a field's kernel where nothing was counted | hand
DEFAULT_KAPPA = 0.05  # share | of novelty before anything is learned | hand
SHUFFLES = 6  # shuffles | that tell what chance would show | cost
LEAST_PAIRS = 8  # episodes | with both fields below which nothing is read | hand
LEAST_ENTROPY = 1e-9  # nats | below which a field has nothing to be told | guard
UNDECIDED = 0.25  # share | of what chance tells, as weight of the kernel | hand
INFORMATION_BINS = 24  # quantile bins | of a number while information is counted | hand
LOSS_BINS = 24  # quantile bins | within which a number counts as right when losses are compared | hand
LEAST_JUDGED_P = 1e-6  # chance | no answer is judged below it | guard
LEAST_P = 1e-12  # chance | below which no loss is told apart | guard
FIRST_MOMENT = 0.9  # share | of Adam's first moment that a step keeps (Kingma & Ba 2015) | text
SECOND_MOMENT = 0.98  # share | of its second moment that a step keeps | hand
SLOWEST = 0.1  # share of the rate | to which it falls evenly by the last step | hand
ADAM_GUARD = 1e-6  # | beside the root of the second moment | guard
HALVINGS = 4  # halvings | of a step that makes the loss rise | hand
SCORING_STEPS = 12  # steps | of a fit by Fisher scoring at most | cost
LONGEST_STEP = 1.0  # in the number's unit | by which one moves in a step at most | guard
SCORING_GAIN = 1e-4  # nats | that a step must be worth | cost
# share | of a value's mass that lies around it, offered to the fit | hand
RESIDUAL_SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
RESIDUAL_WIDTHS = (0.003, 0.01, 0.03, 0.1)  # ranks | of the kernel around a value, offered to the fit | hand
MASS_FLOOR = 1e-3  # chance | added to every mass that is judged | guard
ROWS_TOGETHER = 256  # rows | of whose ranks exponentials are worked out; those of all are products of two | cost
RANKS_TOLD = 1024  # steps of the ranks | in which a wide kernel's mass is found where values are many | cost
SILVERMAN = 0.9  # deviations | width of a kernel density of one sample (Silverman 1986, 3.31) | text
SILVERMAN_POWER = -0.2  # | of the number of samples in it | text

# Generalisation: attention.

VALUES_TOLD = 100  # values | of a number up to which it is told by value | hand
FEATURE_BINS = 64  # quantile bins | of a number with more values | hand
TOKENS = 4000  # words | of a field that are told apart | cost
TOKEN_MIN = 5  # episodes | that must have a word | hand
TOKEN_MAX_SHARE = 0.5  # share of episodes | above which a word tells nothing | hand
TOKENS_TOLD = 24  # words | of one value, the rarest | cost
SHARED_MIN = 5  # values | that two fields must have in common to be compared | hand
SHARED_SHARE = 0.3  # share of values | of the smaller field that they must be | hand
OFTEN_LACKING = (0.005, 0.995)  # share of episodes | between which a field's absence is a feature | hand
HARDLY_REPEATS = 0.8  # values an episode | above which a name says nothing of its kind | hand
MISSPELT = 0.002  # likeness | from which an unknown name is read as a stored one: two typos | hand
DENSE_CELLS = 60_000  # cells | of a table that is kept whole; larger ones are counted on demand | cost
SHRINKS = (0.5, 2.0, 8.0, 32.0, 128.0)  # episodes | of the base rate beside those counted, offered to the fit | hand
TABLE_WIDTHS = (0.0, 0.02, 0.06, 0.15)  # ranks | over which neighbouring cells share counts, offered to the fit | hand
CLEARLY = 1e-5  # nats a replay | by which another way of counting must be better | guard
LIKENESS_WIDTHS = {"near": 0.03, "about": 0.12}  # ranks | of the two kernels on a grid | hand
FAR_APART = 0.05  # share | that a kernel leaves to values far away | hand
# weight per share of information | of a term before anything is learned | hand
FIRST_WEIGHTS = {"equal": 0.8, "unlike": 0.6, "profile": 1.0, "words": 3.0}
OTHER_FIRST_WEIGHT = 0.5  # weight per share of information | of any other term | hand
AGE_WEIGHTS = {"log age": 0.3, "age": 1.0}  # weight | of the terms of time | hand
AGE_SCALE = 100.0  # of the span | the part that the logarithm of an age begins to tell | hand
PROFILE_PSEUDO = 2.0  # episodes | of the base rate in a value's profile of answers | hand
PROFILE_MIN = 4  # values | from which a field's values have profiles | hand
PROFILE_CELLS = 1_000_000  # cells | of profiles that are compared | cost
REGRESSION_RATE = 0.3  # | first step of the regression (Adagrad, Duchi et al. 2011) | hand
REGRESSION_BATCH = 256  # episodes | a step | cost
REGRESSION_PULL = 1e-3  # | of every coefficient towards 0 | hand
FIRST_PACE = 0.1  # | sum of squared slopes that Adagrad begins with | guard
SEEN = 3  # episodes | that must have a code for it to have coefficients | hand
FLOOR_NATS = -12.0  # nats | no answer is further below the base rate | guard
EQUALITY_PSEUDO = 4.0  # episodes | of the common chance of equality beside those with a code | hand
MOMENTS = 1000  # steps | of time on which ages are told | cost
UNDATED = 0.1  # weight | of an episode without a time where episodes count by their age | hand
ATTENTION_REPLAYS = 1536  # replays | of one target | cost
ATTENTION_STEPS = 200  # steps | of its descent | cost
ATTENTION_BATCH = 144  # replays | a step | cost
ATTENTION_RATE = 0.05  # | first step of a weight | hand
# shares | stored up to, asked up to, replays, steps, of every stage in time | hand
STAGES = ((0.6, 0.8, 0.4, 0.4), (0.8, 1.0, 1.0, 0.6))
UNTIMED = ((1.0, 1.0, 1.0, 1.0),)  # shares | the same without times | hand
LIKELIEST = 224  # episodes | that compete in a replay because they fit best | cost
OTHERS = 160  # episodes | drawn to stand for the rest | cost
TRAINING_CELLS = 60_000_000  # numbers | held at once | cost
ATTENTION_ROWS = 40_000  # episodes | learned from, the latest | cost
EFFORT = 7_200_000  # targets x episodes x features | up to which replays are not thinned out | cost
MIN_REPLAYS = 192  # replays | of a target at least | cost
ATTENTION_PULL = 50.0  # episodes | that the closed-form weights count as | hand
EPOCHS = 4  # passes | of the regression | cost
AGAIN = 1  # passes | of it over the whole once the weights are known | cost
REGRESSION_WORK = 1_200_000_000  # episodes x codes x answers | of a pass beyond which there is no regression | cost
PARTIAL = 0.5  # share of replays | that lose fields | hand
LOST = (0.2, 0.8)  # share of fields | that they lose, least and most | hand
MASKED = 0.5  # share of codes | left out at most while the regression learns | hand
MIN_TIMED = 50  # episodes | with a time from which their order counts | hand
SPANS = (0.3, 0.1, 0.03)  # share of the span | in which episodes fade, offered to the fit | hand
#  | below which no weight falls | guard
LEAST_WEIGHTS = {"a": 0.0, "v": 0.0, "c": 0.0, "alpha": 0.0, "kappa": -15.0, "new": -20.0}
TEXT_GAIN = 0.05  # nats | that prose is taken to tell before anything is learned | hand
EQUALITY_WEIGHT = 0.3  # weight | of an equality before anything is learned | hand
ALPHA_WEIGHT = 0.5  # weight | of the schema at the episodes, the same | hand
NEW_WEIGHT = -4.0  # nats | of NEW beside the null, the same | hand
EXCLUDED = -1e9  # nats | of an episode that does not compete | guard
TEMPERATURES = (1.0, 2.01, 0.05)  # | from, to, step: offered to what confidence is lost in time | hand
SHIFTS = (-2.0, 3.01, 0.25)  # nats | from, to, step: of NEW, the same | hand
ATTENTION_EPISODES = 60  # episodes | from which a space has attention heads | hand
MAX_ANSWERS = 4000  # values | of a target at most | cost
REUSE = 2.0  # episodes a value | of a name that is a target | hand

# Generalisation: numbers.

LEVELS = 192  # levels | of equal mass in which a number is told | cost
RIDGE = 0.005  # share of the variances | added to them | guard
EM_SWEEPS = 15  # sweeps | of expectation and maximisation | cost
CHUNK = 256  # rows | inverted at once | cost
ROUNDED = 6  # digits | to which expected scores are told | guard
LEAST_RANK = 1e-3  # | nearest to 0 and 1 at which normal scores are told | guard
NUMBER_WIDTHS = (0.005, 0.03, 0.2)  # ranks | of a field's kernels; their learned mixture is the width | hand
SCHEMA_WIDTHS = (0.05, 0.2)  # ranks | of the kernels of the expected value | hand
NUMBER_FAR_APART = 0.05  # share | that a kernel leaves to values far away | hand
THRESHOLDS = 24  # quantiles | at which the ranked probability score is taken | cost
NUMBER_STEPS = 80  # steps | of the descent | cost
NUMBER_BATCH = 96  # rows | a step | cost
NUMBER_RATE = 0.08  # | first step of a weight | hand
NUMBER_PULL = 0.02  # | of a weight towards its prior | hand
NUMBER_PRIOR = 0.3  # weight | of a kernel before anything is learned | hand
SCHEMA_PRIOR = 0.5  # weight | of a kernel of the expected value before anything is learned | hand
ROWS_LEARNED = 4096  # rows | learned from | cost
NUMBER_ROWS = 20_000  # rows | of a table at most | cost
NUMBER_ROWS_LEAST = 60  # rows | of a table at least | hand
LOSS_ROWS = 200  # rows | left out by turns to judge a head | cost
EXCLUDED_SINGLE = -1e30  # nats | of a row that does not compete, in single precision | guard

# Generalisation: boosted trees.

TREES = 300  # trees | of a target at most | cost
TREE_DEPTH = 5  # levels | of a tree | measured
TREE_RATE = 0.1  # share | of what a tree explains that is added | measured
TREE_SAMPLE = 0.7  # share of cases | that each tree is grown on (Friedman 2002) | hand
TREE_PATIENCE = 20  # trees | without a lower loss after which no more are grown | cost
LEAST_LEAF = 10  # cases | of a leaf at least | hand
LEAF_PSEUDOCOUNT = 1.0  # cases | of no change beside those of a leaf | measured
FEW_CODES = 3  # codes | up to which they are read as they are | hand
STATISTIC_PSEUDOCOUNT = 4.0  # episodes | of the middle rank beside those of a value | measured
BOOSTED_LEAST = 40  # episodes | with a number from which it has trees | hand
BOOSTED_ROWS = 16_000  # episodes | learned from, the latest | cost
BOOSTED_THRESHOLDS = 32  # quantiles | at which the distribution function is told | measured
HELD_OUT = 5  # | one so-manieth of the episodes decides how many trees there are | hand
ONE_BLOCK = 2000  # episodes | from which one block decides, not all by turns | cost
LATE_TREES = 1.1  # ratio | of the trees grown on all episodes to those grown without the held out | hand
LEAST_GAIN = 2.0  # standard errors | by which trees must be better than none | hand
AGREED_ROWS = 2000  # episodes | held out by which the distribution function is made to agree | cost
MAP_POINTS = 41  # | at which the map of the distribution function is told | cost
MAP_PSEUDOCOUNT = 20.0  # episodes | that no change counts as in it | hand

# Generalisation: relations.

MIN_VOCABULARY = 20  # values | of a field of entities | hand
SHARED_ENTITIES = 0.3  # share of either field's episodes | with a value of the other | hand
MAX_ENTITY_FIELDS = 4  # fields | of entities at most | cost
MAX_VOCABULARY = 20_000  # entities | at most | cost
RELATIONS_LEAST = 200  # episodes | of a table of relations at least | hand
RELATIONS_MOST = 250_000  # episodes | at most | cost
MAX_CONTEXTS = 256  # contexts | learned about | cost
COVERED = 0.8  # share of episodes | that must have one of them | hand
CONTEXT_PSEUDOCOUNT = 100.0  # episodes | of the base rate beside those of a context | hand
SLOTS = 512  # slots | of the time axis over the range of the stored times | cost
MAX_RELATIONS = 512  # relations | learned about | cost
# episodes | a rarer context is "other": little to learn, and nothing of one episode is kept | hand
MIN_CONTEXT_EPISODES = 3
FENCE = 5.0  # quartile ranges | beyond the quartiles: a time further out does not stretch the axis (Tukey 1977) | hand
QUARTILES = (0.25, 0.75)  # shares | between which the middle half lies | definition
UNSEEN = 0.2  # episodes | that every entity counts for in m | hand
WHAT_PSEUDOCOUNT = 20.0  # episodes | of the base rate beside those of a relation | hand
ACTIVITY_WIDTH = 3.0  # slots | of the kernel over time | hand
ACTIVITY_REACH = 24  # slots | beyond which it is 0 | cost
STEADY = 0.3  # share of the mean activity | added to that around a time | hand
ACTIVITY_FLOOR = 0.005  # incidences a slot | added to either | hand
LONG_WIDTH = 30.0  # slots | of the kernel of recent activity | hand
TINY = 1e-12  # | below which a sum of weights is none | guard
RECENT = 0.1  # incidences | as much as no recent activity | hand
NEIGHBOURS = 1e-4  # share | as much as no neighbour's partner | hand
SWEEPS = 3  # updates | of the rates; more over-fit the cells | hand
INITIAL_POWER = 2.5  # | of the odds of a shared partner that the rates begin at | hand
# pairs | of the larger group beside a relation's, its times', a pair's, a cell's: at first | hand
INITIAL_SHRINKAGE = (20.0, 50.0, 20.0, 20.0)
SHRINKAGE = (5.0, 50.0, 1.0, 1.0)  # expected hits | the same of every update | hand
KAPPA = 0.002  # | novelty at first, in units of the rates | hand
MOST_RATE = 0.95  # chance | of a shared partner at most, for its odds | guard
KEPT_CUES = 400.0  # incidences | of an anchor that are kept as cues, at a share of one | cost
LEAST_CUES = 60.0  # incidences | that are kept whatever the share | cost
MAX_PAIRS = 4e7  # pairs | visited in a sweep; cues are thinned evenly beyond | cost
CUES_AT_ONCE = 500  # cues | worked on at once | cost
FLUSH = 4_000_000  # cells | added up at once | cost
PRIOR_WHAT = 0.25  # weight | of the relation in the schema while the rates are learned | hand
PRIOR_WHEN = 0.25  # weight | of the time in it | hand
PRIOR_HOP = 1.0  # weight | of the walk of two steps in the null | hand
PRIOR_HOP3 = 0.3  # weight | of the walk of three | hand
MIXTURE_PULL = 3.0  # replays | that the start counts as in each number | hand
NEAR = 100  # entities | without evidence of their own that stand for themselves, the nearest by the walk | cost
SOME_SILENT = 150  # entities | drawn to stand for the rest | cost
LEAST_MASS = 1e-12  # | below which no mass falls | guard
RELATION_REPLAYS = 3000  # incidences | replayed for the mixture | cost
SMALLEST = 1e-7  # | rate that is kept; rates are kept as half-precision logarithms | cost
MIN_ASKED = 10  # episodes | that must have a field for its head to be judged | hand
SHARE_RATES = 0.6  # share of the progress told | that the rates are | hand
SHARE_MIXTURE = 0.3  # share of the progress told | that the mixture is | hand

# Answer.

DYNAMICS_CANDIDATES = 512  # episodes | that the attractor settles | cost
ALIKE_COMPARED = 64  # episodes | that fit alike, looked at for what else they have | cost
LIGHT = 0.01  # share of the heaviest | below it episodes are summed together | cost
TAIL = 0.001  # share of the mass | that they may carry | cost
FEW_DIFFER = 0.25  # share of the episodes | that are summed one by one where all others weigh the same | cost
WIDE = 16_384  # values | from which on a field's are looked at only where something speaks for them | cost
SUMMED_AT_MOST = 16_384  # episodes | beyond which not all that weigh unlike the usual one are summed | cost
UNTOLD = 0.0001  # share of the mass | of the kinds of match that are left out of sums by value | cost
DRAWN_ERROR = 0.0001  # chance | by which what is told of a kind from some of its episodes may be off (one sd) | cost
DRAWN_LEAST = 1024  # episodes | that are drawn of a kind at the least | cost
DRAWN_KINDS = 8  # kinds | that are drawn from at most, the largest | cost
SUMMED_EXACTLY = 4096  # episodes | up to which all are summed one by one | cost
MEMORY_ALONE = 1e-4  # share | left to generalisation below which it is not asked | cost
COUPLING = 0.1  # share | of the completed fields' support that acts back on the episodes | measured
MISMATCH = 0.05  # chance | that an episode differs in a field and is still the one | hand
ENERGY_TOLERANCE_NATS = 1e-4  # nats | a sweep that lowers the energy by less is the last | definition
WEIGHT_TOLERANCE = 1e-3  # share | a sweep that moves the weights by less is the last | definition
HARD_CAP_SWEEPS = 50  # sweeps | beyond which the dynamics have not converged | definition
ALIKE = 1e-12  # chance | by which chances differ that are told apart: the order of codes never decides | guard
STANDS_OUT = 3.0  # ratio | by which a remembered measurement must exceed the median's mass to be told | hand
INTERVAL_MASS = 0.8  # share of the posterior | that the interval of a number holds | definition
RECALL_MIN_MASS = 0.8  # chance, and share of the answer | that one event must carry to be recalled | definition
SUREST = 1.0 - 1e-4  # confidence | above which, and below what it leaves, none is told apart when judged | guard
NUMBERS = 2.0  # nats | that a correction of confidences costs, one for each of its numbers | definition
LEAST_SLOPE = 0.05  # ratio | of log-odds told to those believed at least, so that the order stays | guard
CLAIMED = 0.5  # confidence | below which no source is claimed | definition
RUNNER_UP_MAX_RATIO = 1.0 / 3.0  # ratio | of the runner-up event to it, at most | definition
FEW_EPISODES = 8.0  # episodes | up to which an answer is put together of events, not a regularity | hand
LEAST_PART = 1e-12  # | below which no part is divided by | guard
THIN_SPACE = 20.0  # episodes | at which a memory is half trusted | definition
CUT_SHORT = 0.5  # share | of the trust that dynamics cut short leave | hand
IDENTIFY_MARGIN_NATS = 3.0  # nats | beyond ln N that single out an episode | definition
NOVELTY_MASS = 0.1  # share | that the base rates keep while a question's worth is told | hand
IS_STORED = (
    0.25  # match | from which a cue is answered without another ground: an even one fits stored and new alike | hand
)
COHERENT_NATS = 0.0  # nats a field | by which a cue's values must go together | measured
TOLD_BITS = 0.25  # bits | that a cue must tell of a field | measured
MATCHED = 0.8  # likeness | from which a field of a retrieved episode counts as matched | hand
EVIDENCE_LISTED = 8  # episodes | listed behind an answer | cost
TRACES_POOLED = 64  # candidates | among which identical records are pooled | cost
ENTRY_BYTES = 1024  # bytes | that what is kept takes beside its arrays | cost
KEPT_BYTES = 128 << 20  # bytes | of gains per episode that are kept, the larger part of what is | cost
SCORED_AT_ONCE = 1 << 18  # gains | of values, up to which episodes are compared with several cues together | cost
READ_AT_ONCE = 1 << 15  # shares | of values, up to which answers of a field are read out together | cost
FEW_CLASSES = 0.25  # classes an episode | up to which what few values tell is added by class | cost
STEPS_A_WIDTH = 20  # steps of a kernel's width | within which places are weighed as one where they are many | cost
MANY_PLACES = 8192  # values | of a line from which on that is so | cost
FEW_ADDED = 0.125  # share of episodes | that are added one by one | cost

PROMISE_RISK = 0.1  # chance | that less than the promised share is right, over tables | definition
PROMISE_START_RATIO = 4  # ratio | of the answers that one starting point keeps to those of the one before | hand
PROMISE_STEP = 0.01  # share | of those kept by which more are kept from test to test | cost

# Consolidation.

BINS = 15  # bins | of a reliability diagram | text
MIN_EPISODES = 40  # episodes | from which a space learns | hand
FEWEST_JUDGED = 20  # answers | of a field, or in a bin, from which an error of calibration means something | hand
GROWTH = 1.05  # ratio | of growth after which a head is put to use anew | cost
SHARE_LEARNING = 0.7  # share of the progress told | that learning is | hand
SHARE_REPLAYING = 0.25  # share of the progress told | that replaying is | hand
ASKED_PER_EPISODE = 3  # fields | asked of an episode | cost
DRIFT_WORK = 30_000  # episodes x fields | beyond which fewer are asked | cost
MAX_ASKED = 200  # episodes | asked to notice drift | cost
TWIN_BLOCK = 60  # episodes | that may share a value for their pairs to be looked at | cost
TWIN_FIELDS = 24  # fields | compared, the first | cost
TWIN_PAIRS = 200_000  # pairs | compared, those that share most | cost
TWIN_RANDOM = 20_000  # pairs | drawn at random to tell how often two episodes agree by chance | cost
TWIN_VALUES = 500_000  # pairs of values | whose spelling is compared | cost
TWIN_ROUNDS = 12  # rounds | of learning how often two episodes of one event agree | cost
TWIN_AGREEING = 0.9  # chance | that two episodes of one event agree in a field, before any is known; as ten | hand
TWIN_LIKENESS = 0.88  # likeness | from which two spellings are near (Jaro & Winkler) | text
BISECTIONS = 60  # halvings | of [0, 1]: more than a float tells apart | definition
TWIN_TOLD = 10.0  # pairs | as which the chances of agreeing count before any is known | hand
CONFORMAL_SHARE = 100  # times | a memory that episodes are asked of for a set outnumbers those it lacks | cost
CONFORMAL_APART = 30  # episodes | that such a memory lacks at the most | cost
ACTING_RISK = 0.05  # probability | that the accuracy of what is acted upon is below its bound | definition
DRIFT_ERRORS = 2.0  # standard errors | of surprise beyond which the world has drifted | definition
MOST_NATS = 9.2  # nats | of one field's surprise: one value never stored is no more | guard
STRENGTH = 50.0  # cues | that a shipped prior counts as: of the readings, of stored events | hand
PRIOR_ROUNDS = 64  # rounds of EM | until the prior of stored events hardly changes | cost
MEANT_NATS = 5.0  # log-odds | that a cue is new, from which it does not tell how damaged it is | cost
MOST_CUES = 2000.0  # cues | remembered; earlier ones fade | hand

# Expressions.

EXPRESSION_ROWS = 100_000  # rows | from which a chain is evaluated by numexpr | measured

# Why.

EXACT_PARTS = 7  # parts of a cue | up to which every subset of them is asked | cost
GROUPED_PARTS = 32  # parts of a cue | up to which they share by groups, beyond by orders drawn | cost
ORDERS = 16  # orders | drawn of more parts than that | cost
LEAF = 4  # parts of a group | that are told apart by every subset of them | cost

# Cells that are probably wrong (`consolidation/audit.py` and what it asks).

AUDIT_CONSIDERED = 12  # values | that a cell may stand for | cost
LETTER_PSEUDOCOUNT = 0.5  # pairs of letters | as which each pair counts before any is met | hand
MANY_DECIMALS = 4  # decimals | from which a number has no fewer or more than others | hand
FAR_OUT = 0.005  # share | of a field's numbers that lie anywhere, far out as well | hand
FAR_OUT_DECADES = 4.0  # powers of ten | over which those are spread | hand
DISPLACED_RATE = 0.002  # share of rows | whose values stand in other columns, before any is found | hand
DISPLACED_ROUNDS = 5  # | in which that share is found | cost
MOST_EXCHANGED = 48  # fields | up to which any two may be exchanged | cost
# share of errors of a kind, as `channel.KINDS` has them | before any is met | hand
AUDIT_ERROR_KINDS = (0.6, 0.05, 0.1, 0.1, 0.05, 0.05, 0.05)
AUDIT_KIND_ERRORS = 20.0  # errors | as which what is known of errors counts | hand
EDITS_OF_ERRORS = 1.2  # edits a typing error | before any is met | hand
ERRORS_MADE_UP = 5.0  # errors of a value | that are made up anew, beside those met | hand
KINDS_OF_EDIT = 3.0  # | a letter more, one less, another | definition
MARKER_ERRORS = 20.0  # errors | as which all words for "not known" count, each of them once | hand
AUDIT_FIRST_RATE = 0.02  # share of cells | that are wrong, before any is found | hand
AUDIT_RATE_CELLS = 100.0  # cells | as which the rate of all fields counts in that of one | hand
AUDIT_SOURCE_CELLS = 100.0  # cells | as which the rate of all sources counts in that of one | hand
AUDIT_READING = (0.7, 0.2, 0.1)  # shares | as predicted, as common, as new: a, b, c before any is found | hand
AUDIT_READING_CELLS = 30.0  # cells | as which these count | hand
AUDIT_ROUNDS = 12  # | of expectation maximisation at most | cost
AUDIT_SETTLED = 0.02  # chance | that no cell's changes by more, and it ends | cost
AUDITED_AT_ONCE = 256  # episodes | of which the cells are asked together | cost
AUDIT_LEAST_CHANCE = 1e-5  # chance | below which no value is considered | cost
MOST_SHARED = 0.9  # share | of new values of a field that come from other fields, all together | hand
POOLED_PAIRS = 13.0  # pairs of letters | as which those of the whole table count in a field | hand
EMPTIED_NATS = (-0.7, -3.0)  # nats | of nothing, or of anything, being left where a run of values begins | hand
MARKER_RIGHT = 0.1  # ratio | by which a word for "not known" is less often a right value than another | hand
FIGURES = 10.0  # figures | any of which stands where one does | definition
