# Sourced by what measures: how much of the processors' time other machines take.

# stolen prints the ticks of other machines, and of all, since the start: none where the
# system does not tell.
stolen() {
  [ -r /proc/stat ] || { echo 0 0; return; }
  awk '/^cpu / { printf "%.0f %.0f\n", $9, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9; exit }' /proc/stat
}

# stolen_since BEFORE: what others took since stolen printed BEFORE, in percent with one
# decimal.
stolen_since() {
  awk -v v="$1 $(stolen)" 'BEGIN { split(v, t); all = t[4] - t[2]; printf "%.1f\n", all ? (t[3] - t[1]) / all * 100 : 0 }'
}
