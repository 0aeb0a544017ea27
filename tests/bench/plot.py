"""Draw as SVG, by gnuplot: figures beside what they are compared with, and memory over time."""
import json
import shutil
import subprocess
import sys

MISSING = "gnuplot isn't there; first: apt install gnuplot-nox"


def require():
    """End with what to type where nothing can be drawn: before hours of measuring, not after."""
    if not shutil.which("gnuplot"):
        sys.exit(MISSING)


def quote(text):
    """A string of gnuplot's in which nothing is special."""
    return "'" + text.replace("'", "''") + "'"


def draw(path, width, height, lines):
    # The names of figures are shown as they are: _ and ^ are nothing special.
    script = [f"set terminal svg size {width},{height} font 'sans-serif,12' noenhanced"
              " background '#ffffff'", f"set output {quote(str(path))}", *lines]
    subprocess.run(["gnuplot", "-"], input="\n".join(script) + "\n", text=True, check=True)


def block(name, rows):
    return [f"{name} << END", *(" ".join(row) for row in rows), "END"]


def is_drawn(row):
    """A ratio to something else, with a bound, of times: counts say nothing in a plot."""
    return None not in (row["ratio"], row["bound"]) and row["ratio"] > 0 and bool(row["unit"])


def figures(path, about, rows):
    """A bar a figure: how many times as much as the other it is; a mark: the bound."""
    drawn = [row for row in rows if is_drawn(row)]
    if not drawn:
        sys.exit("figures: none of these has both another side and a bound; nothing is drawn")
    # In a block of data gnuplot wants double quotes.
    data = [[json.dumps(f"{row['figure']} / {row['other_name']}"), f"{row['ratio']:.4f}",
             f"{row['bound']:.4f}"] for row in drawn]
    # Of a kernel, its version: the rest is the name of somebody's build. Of the time, the day.
    kernel, day = about["kernel"].partition("-")[0], about["when"][:10]
    low = min(0.02, *(row["ratio"] / 2 for row in drawn))
    draw(path, 1000, 90 + 24 * len(drawn), [
        *block("$figures", data),
        f"set title {quote(f'pinefs beside others, Linux {kernel}, {day}')}",
        f"set logscale x; set xrange [{low:.4f}:*]; set yrange [{len(drawn) - 0.3}:-0.7]",
        "set lmargin at screen 0.48; set rmargin at screen 0.97",
        "set style fill solid 0.7; set grid xtics; set key outside top center horizontal",
        "set xlabel 'times as much as the other; less is better'; set tics nomirror",
        f"plot $figures using 2:0:({low:.4f}):2:($0-0.35):($0+0.35):ytic(1)"
        " with boxxyerror title 'measured' linecolor rgb '#2f6f9f',"
        " '' using 3:0 with points pointtype 7 pointsize 0.7 linecolor rgb '#c03030' title 'bound'"])


def memory(path, title, points):
    """points: (seconds, KiB, KiB without the lines of /events)."""
    draw(path, 800, 300, [
        *block("$memory", [[f"{at / 60:.4f}", f"{kib / 1024:.4f}", f"{rest / 1024:.4f}"]
                           for at, kib, rest in points]),
        f"set title {quote(title)}; set yrange [0:*]; set grid; set key bottom",
        "set xlabel 'minutes'; set ylabel 'resident MiB of its own'",
        "plot $memory using 1:2 with lines linewidth 2 linecolor rgb '#2f6f9f' title 'all',"
        " '' using 1:3 with lines linewidth 2 linecolor rgb '#c03030' title 'without /events'"])
