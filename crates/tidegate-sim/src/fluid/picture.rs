//! A picture of a replay: demand, the capacity that served and that was paid, and where requests
//! came too late. Hand-written SVG, one column of pixels a bar, the worst of its ticks shown.

use std::fmt::Write;

use super::replay::{Outcome, Row};

const WIDTH: usize = 1200;
const HEIGHT: usize = 420;
const LEFT: usize = 70;
const RIGHT: usize = 20;
const TOP: usize = 56;
const BOTTOM: usize = 60;
/// Lines across.
const GRID: usize = 4;

/// The ticks that share a column of pixels.
struct Column {
    demand: f64,
    served: f64,
    paid: f64,
    late: f64,
}

/// Draws a replay with servers of this capacity.
#[must_use]
pub fn draw(title: &str, outcome: &Outcome, capacity: f64) -> String {
    let columns = columns(&outcome.rows, capacity);
    let highest = columns.iter().map(|column| column.demand.max(column.paid));
    let top = nice(highest.fold(1e-9, f64::max));
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = frame(&mut svg, title, outcome, top);
    let _ = marks(&mut svg, &columns);
    let area = |column: &Column| column.served;
    let _ = filled(&mut svg, &columns, top, area);
    let _ = line(&mut svg, &columns, top, ("#8a6d00", |column| column.paid));
    let _ = line(&mut svg, &columns, top, ("#1f4e9c", |column| column.demand));
    svg.push_str("</svg>\n");
    svg
}

fn columns(rows: &[Row], capacity: f64) -> Vec<Column> {
    let each = rows.len().div_ceil(WIDTH - LEFT - RIGHT).max(1);
    let column = |rows: &[Row]| {
        let highest = |of: fn(&Row) -> f64| rows.iter().map(of).fold(0.0, f64::max);
        let served = rows.iter().map(|row| f64::from(row.serving)).fold(f64::INFINITY, f64::min);
        let arrived: f64 = rows.iter().map(|row| row.demand).sum();
        let late: f64 = rows.iter().map(|row| row.late).sum();
        Column {
            demand: highest(|row| row.demand),
            served: served * capacity,
            paid: highest(|row| f64::from(row.paid)) * capacity,
            late: if arrived > 0.0 { late / (arrived * 15.0) } else { 0.0 },
        }
    };
    rows.chunks(each).map(column).collect()
}

fn frame(svg: &mut String, title: &str, outcome: &Outcome, top: f64) -> std::fmt::Result {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}: {:.3} % late, {:.0} server-hours</text>\n\
         <text x=\"{LEFT}\" y=\"42\"><tspan fill=\"#1f4e9c\">demand</tspan>  \
         <tspan fill=\"#4b8b3b\">capacity serving</tspan>  \
         <tspan fill=\"#8a6d00\">capacity paid</tspan>  \
         <tspan fill=\"#c2291f\">requests late</tspan>  (requests/s)</text>\n",
        escaped(title),
        outcome.violations_percent(),
        outcome.server_hours,
    )?;
    for step in 0..=GRID {
        let value = top * step as f64 / GRID as f64;
        let y = place(value, top);
        write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>\n",
            LEFT - 8,
            y + 4.0,
        )?;
    }
    let seconds = outcome.rows.last().map_or(0, |row| row.seconds + 15);
    for step in 0..=6 {
        let x = LEFT + (right - LEFT) * step / 6;
        let anchor = match step {
            0 => "start",
            6 => "end",
            _ => "middle",
        };
        let text = moment(seconds * step as u64 / 6);
        let y = bottom + 36;
        writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>")?;
    }
    Ok(())
}

/// Red bars below the axis: the darker, the larger the share that was late.
fn marks(svg: &mut String, columns: &[Column]) -> std::fmt::Result {
    for (number, column) in columns.iter().enumerate().filter(|(_, column)| column.late > 0.0) {
        let (x, y) = (across(number, columns.len()), HEIGHT - BOTTOM + 4);
        let shade = (0.35 + column.late).min(1.0);
        writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y}\" width=\"1.5\" height=\"14\" fill=\"#c2291f\" \
             fill-opacity=\"{shade:.2}\"/>"
        )?;
    }
    Ok(())
}

fn filled(
    svg: &mut String,
    columns: &[Column],
    top: f64,
    of: fn(&Column) -> f64,
) -> std::fmt::Result {
    let bottom = HEIGHT - BOTTOM;
    write!(svg, "<path fill=\"#4b8b3b\" fill-opacity=\"0.3\" d=\"M{LEFT},{bottom}")?;
    for (number, column) in columns.iter().enumerate() {
        write!(svg, "L{:.1},{:.1}", across(number, columns.len()), place(of(column), top))?;
    }
    writeln!(svg, "L{:.1},{bottom}Z\"/>", across(columns.len().saturating_sub(1), columns.len()))
}

fn line(
    svg: &mut String,
    columns: &[Column],
    top: f64,
    (colour, of): (&str, fn(&Column) -> f64),
) -> std::fmt::Result {
    write!(svg, "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\" points=\"")?;
    for (number, column) in columns.iter().enumerate() {
        write!(svg, "{:.1},{:.1} ", across(number, columns.len()), place(of(column), top))?;
    }
    svg.push_str("\"/>\n");
    Ok(())
}

fn across(number: usize, count: usize) -> f64 {
    let width = (WIDTH - LEFT - RIGHT) as f64;
    LEFT as f64 + width * number as f64 / count.saturating_sub(1).max(1) as f64
}

fn place(value: f64, top: f64) -> f64 {
    let height = (HEIGHT - TOP - BOTTOM) as f64;
    (HEIGHT - BOTTOM) as f64 - height * (value / top).clamp(0.0, 1.0)
}

/// The next of 1, 2, 4, 6, 8, 10 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value * 0.999);
    step.unwrap_or(10.0) * power
}

fn moment(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
