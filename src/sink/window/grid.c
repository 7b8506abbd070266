/* sink: where each of several pictures goes in a window. */
#include "sink/window/grid.h"

/* Between these a picture gets the width that its shape asks for. Beyond, it has to do with less,
 * so that one camera, whatever it sends, can't take the room of others. */
#define NARROWEST 0.5
#define WIDEST    3.0

/* How many columns there are, and what of the window a row may have. */
struct grid {
    const double *shapes;
    int count, columns, rows;
    double width, height, gap;
};

struct row {
    int first, end;
    double width, height; /* with the gaps in it */
};

static double slot(double shape) {
    return SDL_clamp(shape, NARROWEST, WIDEST);
}

static struct grid grid_of(const double *shapes, int count, int columns, SDL_Point size, int gap) {
    int rows = (count + columns - 1) / columns;
    return (struct grid){
        .shapes = shapes,
        .count = count,
        .columns = columns,
        .rows = rows,
        .width = size.x,
        .height = SDL_max((double)(size.y - gap * (rows - 1)) / rows, 1),
        .gap = gap,
    };
}

/* All pictures of a row are of one height: what the window has for it, or what they need to stand
 * side by side. */
static struct row row_of(const struct grid *grid, int number) {
    int first = number * grid->columns, end = SDL_min(first + grid->columns, grid->count);
    double slots = 0, gaps = grid->gap * (end - first - 1);
    for (int i = first; i < end; i++)
        slots += slot(grid->shapes[i]);
    double height = SDL_min(grid->height, SDL_max((grid->width - gaps) / slots, 1));
    return (struct row){first, end, height * slots + gaps, height};
}

/* A picture's width in its slot of that height. */
static double fit(double shape, double height) {
    return SDL_min(height * slot(shape), height * shape);
}

static double shown(const struct grid *grid) {
    double area = 0;
    for (int number = 0; number < grid->rows; number++) {
        struct row row = row_of(grid, number);
        for (int i = row.first; i < row.end; i++) {
            double width = fit(grid->shapes[i], row.height);
            area += width * width / grid->shapes[i];
        }
    }
    return area;
}

/* Of those that show as much, the one with the most columns: rows are what people read. */
static struct grid choose(const double *shapes, int count, SDL_Point size, int gap) {
    struct grid best = {0};
    double most = 0;
    for (int columns = 1; columns <= count; columns++) {
        struct grid grid = grid_of(shapes, count, columns, size, gap);
        double area = shown(&grid);
        if (area > most * 0.999)
            best = grid;
        most = SDL_max(most, area);
    }
    return best;
}

static int rounded(double length) {
    return SDL_max((int)(length + 0.5), 1);
}

static void place_row(SDL_Rect *places, const struct grid *grid, struct row row, double top) {
    double left = (grid->width - row.width) / 2;
    for (int i = row.first; i < row.end; i++) {
        double shape = grid->shapes[i], room = row.height * slot(shape);
        double width = fit(shape, row.height);
        SDL_Rect *place = &places[i];
        place->w = rounded(width);
        place->h = rounded(width / shape);
        place->x = (int)(left + (room - place->w) / 2);
        place->y = (int)(top + (row.height - place->h) / 2);
        left += room + grid->gap;
    }
}

void sl_grid_lay_out(SDL_Rect *places, const double *shapes, size_t count, int width, int height,
                     int gap) {
    struct grid grid = choose(shapes, (int)count, (SDL_Point){width, height}, gap);
    double used = grid.gap * (grid.rows - 1);
    for (int number = 0; number < grid.rows; number++)
        used += row_of(&grid, number).height;
    double top = (height - used) / 2;
    for (int number = 0; number < grid.rows; number++) {
        struct row row = row_of(&grid, number);
        place_row(places, &grid, row, top);
        top += row.height + grid.gap;
    }
}
