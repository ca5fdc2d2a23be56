/*
 * draw.c - overrides, and two distributions from integer tables.
 *
 * log2_q31[i] = log2(1 + i/128) * 2^31; exp2_q31[i] = 2^(i/128) * 2^31 (the last less one);
 * quantile_q24: upper-tail quantiles of the normal law, divided by that of 1 %, times 2^24, at
 * p = 2^-(k+1) * (1 - j/16) for octave k in 0..31 and step j in 0..7, and at 2^-33. Rounded
 * to nearest from double precision, once; between the entries the value is linear.
 */
#include "core/draw.h"
#include "core/assert.h"

NAMES_DEFINE(purpose, PURPOSE_LIST)
_Static_assert(PURPOSE_COUNT <= 64, "override_purposes has a bit per purpose");

static const uint32_t log2_q31[129] = {
    0,          24110347,   48034513,   71775349,   95335645,   118718126,  141925456,
    164960239,  187825021,  210522295,  233054496,  255424009,  277633165,  299684247,
    321579490,  343321082,  364911162,  386351829,  407645136,  428793095,  449797678,
    470660814,  491384396,  511970279,  532420281,  552736183,  572919734,  592972645,
    612896598,  632693241,  652364189,  671911030,  691335320,  710638585,  729822324,
    748888009,  767837083,  786670965,  805391046,  823998694,  842495250,  860882034,
    879160341,  897331443,  915396590,  933357012,  951213914,  968968484,  986621888,
    1004175273, 1021629764, 1038986470, 1056246482, 1073410869, 1090480686, 1107456970,
    1124340739, 1141132997, 1157834731, 1174446910, 1190970490, 1207406412, 1223755601,
    1240018966, 1256197405, 1272291800, 1288303019, 1304231918, 1320079339, 1335846110,
    1351533050, 1367140963, 1382670639, 1398122861, 1413498396, 1428798003, 1444022426,
    1459172403, 1474248656, 1489251901, 1504182841, 1519042169, 1533830570, 1548548716,
    1563197273, 1577776895, 1592288229, 1606731910, 1621108567, 1635418819, 1649663276,
    1663842541, 1677957208, 1692007863, 1705995083, 1719919439, 1733781493, 1747581801,
    1761320910, 1774999361, 1788617686, 1802176412, 1815676059, 1829117139, 1842500157,
    1855825614, 1869094003, 1882305810, 1895461516, 1908561594, 1921606515, 1934596739,
    1947532725, 1960414922, 1973243777, 1986019729, 1998743213, 2011414658, 2024034488,
    2036603122, 2049120974, 2061588451, 2074005959, 2086373895, 2098692655, 2110962628,
    2123184198, 2135357746, 2147483648,
};
static const uint32_t exp2_q31[129] = {
    2147483648, 2159144272, 2170868212, 2182655811, 2194507417, 2206423375, 2218404036,
    2230449750, 2242560872, 2254737756, 2266980759, 2279290240, 2291666561, 2304110083,
    2316621173, 2329200197, 2341847524, 2354563524, 2367348571, 2380203040, 2393127307,
    2406121752, 2419186755, 2432322700, 2445529972, 2458808958, 2472160047, 2485583632,
    2499080105, 2512649863, 2526293303, 2540010826, 2553802834, 2567669730, 2581611923,
    2595629821, 2609723834, 2623894376, 2638141863, 2652466713, 2666869345, 2681350181,
    2695909648, 2710548171, 2725266179, 2740064105, 2754942382, 2769901447, 2784941738,
    2800063696, 2815267765, 2830554390, 2845924021, 2861377107, 2876914102, 2892535461,
    2908241642, 2924033107, 2939910317, 2955873740, 2971923842, 2988061094, 3004285971,
    3020598946, 3037000500, 3053491112, 3070071267, 3086741451, 3103502151, 3120353861,
    3137297074, 3154332287, 3171459999, 3188680714, 3205994934, 3223403170, 3240905930,
    3258503729, 3276197082, 3293986508, 3311872529, 3329855670, 3347936457, 3366115421,
    3384393094, 3402770014, 3421246719, 3439823750, 3458501653, 3477280975, 3496162267,
    3515146082, 3534232978, 3553423514, 3572718252, 3592117759, 3611622603, 3631233356,
    3650950594, 3670774895, 3690706840, 3710747013, 3730896002, 3751154399, 3771522796,
    3792001792, 3812591987, 3833293984, 3854108391, 3875035819, 3896076880, 3917232192,
    3938502376, 3959888054, 3981389855, 4003008408, 4024744348, 4046598312, 4068570940,
    4090662878, 4112874773, 4135207276, 4157661043, 4180236731, 4202935003, 4225756525,
    4248701965, 4271771996, 4294967295,
};
static const uint32_t quantile_q24[257] = {
    0,        565497,   1134497,  1710660,  2297972,  2900957,  3524970,  4176600,  4864303,
    5225072,  5599419,  5989500,  6397947,  6828025,  7283873,  7770855,  8296120,  8576046,
    8869527,  9178481,  9505265,  9852824,  10224906, 10626392, 11063810, 11298685, 11546196,
    11808106, 12086586, 12384350, 12704860, 13052628, 13433698, 13639216, 13856447, 14087031,
    14332984, 14596834, 14881804, 15192101, 15533369, 15717948, 15913436, 16121368, 16343633,
    16582601, 16841294, 17123664, 17435015, 17603750, 17782711, 17973341, 18177423, 18397191,
    18635500, 18896079, 19183944, 19340182, 19506061, 19682951, 19872539, 20076944, 20298873,
    20541870, 20810697, 20956768, 21111979, 21277631, 21455332, 21647100, 21855515, 22083956,
    22336966, 22474566, 22620869, 22777120, 22944854, 23126002, 23323031, 23539175, 23778785,
    23909192, 24047920, 24196161, 24355389, 24527454, 24714727, 24920312, 25148388, 25272593,
    25404779, 25546094, 25697955, 25862144, 26040940, 26237334, 26455352, 26574140, 26700606,
    26835858, 26981262, 27138536, 27309883, 27498186, 27707335, 27821340, 27942751, 28072639,
    28212324, 28363469, 28528202, 28709315, 28910570, 29020312, 29137215, 29262315, 29396892,
    29542555, 29701369, 29876037, 30070208, 30176122, 30288973, 30409766, 30539744, 30680468,
    30833942, 31002793, 31190563, 31293014, 31402198, 31519091, 31644901, 31781146, 31929774,
    32093340, 32275290, 32374590, 32480434, 32593774, 32715784, 32847944, 32992148, 33150886,
    33327514, 33423931, 33526719, 33636804, 33755333, 33883746, 34023892, 34178197, 34349935,
    34443701, 34543678, 34650769, 34766092, 34891054, 35027459, 35177676, 35344901, 35436220,
    35533600, 35637923, 35750283, 35872053, 36004996, 36151427, 36314472, 36403522, 36498493,
    36600250, 36709859, 36828665, 36958393, 37101306, 37260462, 37347402, 37440132, 37539499,
    37646547, 37762592, 37889322, 38028955, 38184484, 38269454, 38360092, 38457227, 38561882,
    38675347, 38799276, 38935840, 39087975, 39171101, 39259780, 39354825, 39457238, 39568285,
    39689586, 39823274, 39972224, 40053618, 40140459, 40233540, 40333848, 40442622, 40561454,
    40692435, 40838390, 40918156, 41003265, 41094498, 41192823, 41299456, 41415962, 41544393,
    41687522, 41765752, 41849228, 41938718, 42035171, 42139784, 42254092, 42380114, 42520574,
    42597352, 42679284, 42767125, 42861807, 42964508, 43076738, 43200479, 43338412, 43413815,
    43494285, 43580563, 43673568, 43774457, 43884715, 44006293, 44141829, 44215927, 44295009,
    44379804, 44471217, 44570385, 44678771, 44798295, 44931552, 45004410, 45082172, 45165557,
    45255455, 45352987, 45459591, 45577160, 45708248,
};

#define TABLE_BITS 7
#define LN2_Q32 UINT64_C(2977044472)
#define Z_MAX_OCTAVES 32u

bool draw_overridden(const struct draws *d, enum purpose purpose, uint64_t entity,
                     uint64_t ordinal, uint64_t *ret_value)
{
    uint32_t low = 0, high = d->override_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct override *o = &d->overrides[middle];
        bool is_before = o->purpose != (uint32_t)purpose ? o->purpose < (uint32_t)purpose
                         : o->entity != entity           ? o->entity < entity
                                                         : o->ordinal < ordinal;
        if (is_before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == d->override_count)
        return false;
    const struct override *found = &d->overrides[low];
    if (found->purpose != (uint32_t)purpose || found->entity != entity ||
        found->ordinal != ordinal)
        return false;
    *ret_value = found->value;
    return true;
}

duration draw_octaves(const struct draws *d, enum purpose purpose, uint64_t entity,
                      uint64_t ordinal, struct range range)
{
    uint64_t value;
    if ((d->override_purposes >> purpose & 1) != 0 &&
        draw_overridden(d, purpose, entity, ordinal, &value))
        return value;
    duration low = range.min > USEC(1) ? range.min : USEC(1);
    if (range.max <= low)
        return range.max;
    ASSERT_OP(range.max, <, UINT64_C(1) << 62);
    unsigned octaves = 1;
    while (low << octaves < range.max)
        octaves++;
    uint64_t bits = draw_bits(d, purpose, entity, ordinal);
    unsigned octave = (unsigned)((bits >> 32) * octaves >> 32);
    duration from = low << octave;
    duration span = octave + 1 == octaves ? range.max - from + 1 : from;
    return from + (duration)((unsigned __int128)span * (bits & UINT32_MAX) >> 32);
}

/* Table value at a 31-bit fraction, linear between entries. */
static uint64_t draw_table(const uint32_t *table, uint32_t fraction)
{
    uint32_t index = fraction >> (31 - TABLE_BITS);
    uint64_t rest = fraction & ((UINT32_C(1) << (31 - TABLE_BITS)) - 1);
    uint64_t step = (uint64_t)table[index + 1] - table[index];
    return table[index] + (step * rest >> (31 - TABLE_BITS));
}

/* log2 of a value >= 1, Q31. */
static uint64_t draw_log2(uint64_t value)
{
    unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
    uint32_t fraction = (uint32_t)((value << (63 - exponent) & (UINT64_MAX >> 1)) >> 32);
    return ((uint64_t)exponent << 31) + draw_table(log2_q31, fraction);
}

duration draw_exponential(const struct draws *d, enum purpose purpose, uint64_t entity,
                          uint64_t ordinal, duration mean)
{
    uint64_t value;
    if ((d->override_purposes >> purpose & 1) != 0 &&
        draw_overridden(d, purpose, entity, ordinal, &value))
        return value;
    uint64_t bits = draw_bits(d, purpose, entity, ordinal) | 1;
    /* -ln(bits / 2^64) = (64 - log2 bits) * ln 2; at most 44.4. */
    uint64_t log_q31 = (UINT64_C(64) << 31) - draw_log2(bits);
    uint64_t factor_q31 = (uint64_t)((unsigned __int128)log_q31 * LN2_Q32 >> 32);
    if (factor_q31 > UINT64_C(20) << 31)
        factor_q31 = UINT64_C(20) << 31;
    return (duration)((unsigned __int128)mean * factor_q31 >> 31);
}

/* |z| / z(99 %), Q24, for an upper-tail probability of bits / 2^64 (below one half). */
static uint64_t draw_quantile(uint64_t bits)
{
    unsigned octave = (unsigned)__builtin_clzll(bits | 1) - 1;
    if (octave >= Z_MAX_OCTAVES)
        return quantile_q24[Z_MAX_OCTAVES * 8];
    /* Mantissa in [1, 2) falls as the step grows: step = (2 - mantissa) * 8. */
    uint64_t rest = (UINT64_C(1) << 63) - 1 - (bits << (octave + 1) & (UINT64_MAX >> 1));
    unsigned step = octave * 8 + (unsigned)(rest >> 60);
    uint64_t between = rest >> 28 & UINT32_MAX;
    uint64_t rise = quantile_q24[step + 1] - quantile_q24[step];
    return quantile_q24[step] + (rise * between >> 32);
}

/* value * 2^exponent (Q31) or value / 2^exponent. */
static uint64_t draw_scale(uint64_t value, uint64_t exponent_q31, bool is_up)
{
    uint32_t fraction = (uint32_t)(exponent_q31 & ((UINT32_C(1) << 31) - 1));
    uint64_t whole = exponent_q31 >> 31;
    uint64_t factor = draw_table(exp2_q31, fraction); /* [2^31, 2^32) */
    unsigned __int128 wide;
    if (!is_up)
        return whole >= 63 ? 0 : (uint64_t)(((unsigned __int128)value << 31) / factor >> whole);
    wide = (unsigned __int128)value * factor >> 31;
    if (whole >= 63 || wide >> (64 - whole) != 0)
        return UINT64_MAX;
    return (uint64_t)wide << whole;
}

duration draw_lognormal(const struct draws *d, enum purpose purpose, uint64_t entity,
                        uint64_t ordinal, duration p50, duration p99)
{
    uint64_t value;
    if ((d->override_purposes >> purpose & 1) != 0 &&
        draw_overridden(d, purpose, entity, ordinal, &value))
        return value;
    if (p50 == 0 || p99 <= p50)
        return p50;
    uint64_t bits = draw_bits(d, purpose, entity, ordinal);
    bool is_up = bits >> 63 != 0;
    uint64_t z_q24 = draw_quantile(bits & (UINT64_MAX >> 1));
    uint64_t spread_q31 = draw_log2(p99) - draw_log2(p50);
    uint64_t exponent_q31 = (uint64_t)((unsigned __int128)spread_q31 * z_q24 >> 24);
    uint64_t length = draw_scale(p50, exponent_q31, is_up);
    return p99 <= UINT64_MAX / 4 && length > 4 * p99 ? 4 * p99 : length;
}
