# What every map may use beside jq's own functions. ref, utc, millis, line,
# prose and csv are built in; doc.go says what they do.

# The CloudEvents type of a kind, as kind("data.accessed").
def kind($name): "org.daybook." + $name + ".v1";

# Subjects of an event whose source names nobody.
def nobody_named: {mode: "unknown"};

# A map gives the same events wherever and whenever it runs.
def now: error("a map has no clock");
def localtime: error("a map has no time zone");
def strflocaltime($format): error("a map has no time zone");
