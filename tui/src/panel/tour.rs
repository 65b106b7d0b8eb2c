//! A page of the tour: a caption over the run that it is about.

use crate::{pen::Pen, scene::Scene, theme::Role, words::wrapped};

pub(super) fn draw(scene: &Scene<'_>, pen: Pen<'_>) {
    let Some(page) = &scene.page else {
        return;
    };
    let title = format!(" {} of {}  {} ", page.chapter, page.chapters, page.title);
    let right = format!(" page {} of {} ", page.number, page.pages);
    let mut pen = pen.framed(&title, &right, true);
    let width = pen.width().saturating_sub(2);
    let rows = pen.height().saturating_sub(1);
    let lines = wrapped(page.text, width);
    for (y, line) in lines.iter().enumerate().take(rows) {
        pen.put(1, y, line, Role::Text);
    }
    let keys = if page.is_last() {
        "p: be the adversary   left: back   q: leave"
    } else {
        "space or right: on   left: back   n: next chapter   q: leave"
    };
    pen.put(1, pen.height().saturating_sub(1), keys, Role::Dim);
}
