set encoding utf8

reset
set terminal svg size 640,226 dynamic noenhanced font 'DejaVu Sans,12' background 'white'
set output 'energy.svg'
set border 0
set tics nomirror scale 0 textcolor rgb '#404040'
set xlabel textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'
set style fill solid 1 border rgb '#FFFFFF'
unset key
set tmargin at screen 0.85840708
set object rectangle from screen 0.01875,screen 0.924778761 to screen 0.053125,screen 0.969026549 fillcolor rgb '#0072B2' fillstyle solid 1 noborder
set label 'movement' at screen 0.0625,screen 0.946902655 left textcolor rgb '#404040'
set object rectangle from screen 0.1859375,screen 0.924778761 to screen 0.2203125,screen 0.969026549 fillcolor rgb '#E69F00' fillstyle solid 1 noborder
set label 'arithmetic' at screen 0.2296875,screen 0.946902655 left textcolor rgb '#404040'
set object rectangle from screen 0.3546875,screen 0.924778761 to screen 0.3890625,screen 0.969026549 fillcolor rgb '#999999' fillstyle solid 1 noborder
set label 'static' at screen 0.3984375,screen 0.946902655 left textcolor rgb '#404040'
set object rectangle from screen 0.4828125,screen 0.924778761 to screen 0.5171875,screen 0.969026549 fillcolor rgb '#D55E00' fillstyle solid 1 noborder
set label 'loss' at screen 0.5265625,screen 0.946902655 left textcolor rgb '#404040'
set label '1.27 kJ · 47.4 %' at 1.27,0 left offset 0.7,0 textcolor rgb '#404040'
set label '752 J · 28.0 %' at 0.752,-1 left offset 0.7,0 textcolor rgb '#404040'
set label '320 J · 11.9 %' at 0.32,-2 left offset 0.7,0 textcolor rgb '#404040'
set label '180 J · 6.7 %' at 0.18,-3 left offset 0.7,0 textcolor rgb '#404040'
set label '160 J · 6.0 %' at 0.16,-4 left offset 0.7,0 textcolor rgb '#404040'
set ytics ('gpu' 0, 'hbm' -1, 'facility' -2, 'host' -3, 'nvlink' -4)
set grid noytics xtics
set yrange [-4.6:0.6]
set xrange [0:1.6764]
set xlabel 'energy of one request (kJ)'
plot '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#0072B2' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#E69F00' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#999999' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#D55E00' notitle
0.155 0 0 0.31 -0.36 0.36
0.306 -1 0 0.612 -1.36 -0.64
0.08 -4 0 0.16 -4.36 -3.64
e
0.58 0 0.31 0.85 -0.36 0.36
e
1.06 0 0.85 1.27 -0.36 0.36
0.682 -1 0.612 0.752 -1.36 -0.64
0.09 -3 0 0.18 -3.36 -2.64
e
0.16 -2 0 0.32 -2.36 -1.64
e
set output

reset
set terminal svg size 640,114 dynamic noenhanced font 'DejaVu Sans,12' background 'white'
set output 'where.svg'
set border 0
set tics nomirror scale 0 textcolor rgb '#404040'
set xlabel textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'
set style fill solid 1 border rgb '#FFFFFF'
unset key
set tmargin at screen 0.719298246
set object rectangle from screen 0.01875,screen 0.850877193 to screen 0.053125,screen 0.938596491 fillcolor rgb '#0072B2' fillstyle solid 1 noborder
set label 'movement' at screen 0.0625,screen 0.894736842 left textcolor rgb '#404040'
set object rectangle from screen 0.1859375,screen 0.850877193 to screen 0.2203125,screen 0.938596491 fillcolor rgb '#E69F00' fillstyle solid 1 noborder
set label 'arithmetic' at screen 0.2296875,screen 0.894736842 left textcolor rgb '#404040'
set object rectangle from screen 0.3546875,screen 0.850877193 to screen 0.3890625,screen 0.938596491 fillcolor rgb '#999999' fillstyle solid 1 noborder
set label 'static' at screen 0.3984375,screen 0.894736842 left textcolor rgb '#404040'
set object rectangle from screen 0.4828125,screen 0.850877193 to screen 0.5171875,screen 0.938596491 fillcolor rgb '#D55E00' fillstyle solid 1 noborder
set label 'loss' at screen 0.5265625,screen 0.894736842 left textcolor rgb '#404040'
set label '40 %' at 20.1715138,0 center front textcolor rgb '#FFFFFF'
set label '20 %' at 50.4101417,0 center front textcolor rgb '#1A1A1A'
set label '28 %' at 74.2729306,0 center front textcolor rgb '#1A1A1A'
set label '12 %' at 94.0343028,0 center front textcolor rgb '#FFFFFF'
set label '2.68 kJ' at 100,0 left offset 0.7,0 textcolor rgb '#404040'
set ytics ('decode' 0)
set grid noytics xtics
set yrange [-0.6:0.6]
set xrange [0:114]
set xlabel 'share of the phase''s energy (%)'
set xtics 0,20,100
plot '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#0072B2' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#E69F00' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#999999' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#D55E00' notitle
20.1715138 0 0 40.3430276 -0.36 0.36
e
50.4101417 0 40.3430276 60.4772558 -0.36 0.36
e
74.2729306 0 60.4772558 88.0686055 -0.36 0.36
e
94.0343028 0 88.0686055 100 -0.36 0.36
e
set output

reset
set terminal svg size 640,170 dynamic noenhanced font 'DejaVu Sans,12' background 'white'
set output 'operators.svg'
set border 0
set tics nomirror scale 0 textcolor rgb '#404040'
set xlabel textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'
set style fill solid 1 border rgb '#FFFFFF'
unset key
set tmargin at screen 0.811764706
set object rectangle from screen 0.01875,screen 0.9 to screen 0.053125,screen 0.958823529 fillcolor rgb '#0072B2' fillstyle solid 1 noborder
set label 'hbm bandwidth' at screen 0.0625,screen 0.929411765 left textcolor rgb '#404040'
set object rectangle from screen 0.234375,screen 0.9 to screen 0.26875,screen 0.958823529 fillcolor rgb '#E69F00' fillstyle solid 1 noborder
set label 'link latency' at screen 0.278125,screen 0.929411765 left textcolor rgb '#404040'
set label '19.1 ms · 60.4 %' at 19.1,0 left offset 0.7,0 textcolor rgb '#404040'
set label '9.40 ms · 29.7 %' at 9.4,-1 left offset 0.7,0 textcolor rgb '#404040'
set label '3.10 ms · 9.8 %' at 3.1,-2 left offset 0.7,0 textcolor rgb '#404040'
set ytics ('ffn' 0, 'attention' -1, 'all-reduce' -2)
set grid noytics xtics
set yrange [-2.6:0.6]
set xrange [0:25.212]
set xlabel 'time in one step of decode (ms), coloured by what bounds it'
plot '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#0072B2' notitle, \
     '-' using 1:2:3:4:5:6 with boxxyerror lc rgb '#E69F00' notitle
9.55 0 0 19.1 -0.36 0.36
4.7 -1 0 9.4 -1.36 -0.64
e
1.55 -2 0 3.1 -2.36 -1.64
e
set output

reset
set terminal svg size 640,432 dynamic noenhanced font 'DejaVu Sans,12' background 'white'
set output 'roofline.svg'
set border 0
set tics nomirror scale 0 textcolor rgb '#404040'
set xlabel textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'
set style fill solid 1 border rgb '#FFFFFF'
unset key
set tmargin at screen 0.925925926
set arrow from screen 0.01875,screen 0.972222222 to screen 0.053125,screen 0.972222222 nohead lw 2 lc rgb '#808080'
set label 'gpu fp8 on hbm' at screen 0.0625,screen 0.972222222 left textcolor rgb '#404040'
set label '' at screen 0.2546875,screen 0.972222222 point pt 7 ps 1.6 lc rgb '#0072B2'
set label 'decode ffn' at screen 0.28125,screen 0.972222222 left textcolor rgb '#404040'
set label '' at screen 0.428125,screen 0.972222222 point pt 7 ps 1.6 lc rgb '#E69F00'
set label 'decode attention' at screen 0.4546875,screen 0.972222222 left textcolor rgb '#404040'
set logscale xy
set format y '%.0s %cop/s'
set format x '%g'
set xlabel 'operations per byte moved (op/B)'
set xrange [96.8253968:10090.9091]
set yrange [1.62234043e+14:4.74e+16]
plot '-' with lines lw 2 dt 1 lc rgb '#808080' notitle, \
     '-' with points pt 7 ps 2.3 lc rgb '#0072B2' notitle, \
     '-' with points pt 7 ps 2.08 lc rgb '#E69F00' notitle
96.8253968 2.59492063e+15
589.552239 1.58e+16
10090.9091 1.58e+16
e
1681.81818 3.87434555e+15
e
290.47619 6.4893617e+14
e
set output

reset
set terminal svg size 640,294 dynamic noenhanced font 'DejaVu Sans,12' background 'white'
set output 'time_demand.svg'
set border 0
set tics nomirror scale 0 textcolor rgb '#404040'
set xlabel textcolor rgb '#404040'
set ylabel textcolor rgb '#404040'
set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'
set style fill solid 1 border rgb '#FFFFFF'
unset key
set tmargin at screen 0.952380952
set xlabel 'hour of the week (days)'
set ylabel 'tokens per second (tokens/s)'
set xrange [0:7]
set yrange [0:420336]
plot '-' with lines lw 1.8 dt 1 lc rgb '#0072B2' notitle
0 278000
0.0416666667 306780.678
0.0833333333 333600
0.125 356630.274
0.166666667 374302.025
0.208333333 385410.952
0.25 389200
0.291666667 385410.952
0.333333333 374302.025
0.375 356630.274
0.416666667 333600
0.458333333 306780.678
0.5 278000
0.541666667 249219.323
0.583333333 222400
0.625 199369.726
0.666666667 181697.975
0.708333333 170589.048
0.75 166800
0.791666667 170589.048
0.833333333 181697.975
0.875 199369.725
0.916666667 222399.999
0.958333333 249219.321
1 277999.999
1.04166667 306780.677
1.08333333 333599.999
1.125 356630.273
1.16666667 374302.024
1.20833333 385410.952
1.25 389200
1.29166667 385410.952
1.33333333 374302.025
1.375 356630.275
1.41666667 333600.001
1.45833333 306780.679
1.5 278000.001
1.54166667 249219.323
1.58333333 222400.001
1.625 199369.727
1.66666667 181697.976
1.70833333 170589.048
1.75 166800
1.79166667 170589.048
1.83333333 181697.974
1.875 199369.725
1.91666667 222399.999
1.95833333 249219.321
2 277999.998
2.04166667 306780.676
2.08333333 333599.999
2.125 356630.273
2.16666667 374302.024
2.20833333 385410.951
2.25 389200
2.29166667 385410.952
2.33333333 374302.026
2.375 356630.275
2.41666667 333600.002
2.45833333 306780.68
2.5 278000.002
2.54166667 249219.324
2.58333333 222400.002
2.625 199369.727
2.66666667 181697.976
2.70833333 170589.049
2.75 166800
2.79166667 170589.048
2.83333333 181697.974
2.875 199369.724
2.91666667 222399.998
2.95833333 249219.32
3 277999.998
3.04166667 306780.675
3.08333333 333599.998
3.125 356630.272
3.16666667 374302.024
3.20833333 385410.951
3.25 389200
3.29166667 385410.953
3.33333333 374302.026
3.375 356630.276
3.41666667 333600.002
3.45833333 306780.68
3.5 278000.003
3.54166667 249219.325
3.58333333 222400.002
3.625 199369.728
3.66666667 181697.977
3.70833333 170589.049
3.75 166800
3.79166667 170589.047
3.83333333 181697.974
3.875 199369.724
3.91666667 222399.997
3.95833333 249219.319
4 277999.997
4.04166667 306780.675
4.08333333 333599.997
4.125 356630.272
4.16666667 374302.023
4.20833333 385410.951
4.25 389200
4.29166667 385410.953
4.33333333 374302.027
4.375 356630.277
4.41666667 333600.003
4.45833333 306780.681
4.5 278000.004
4.54166667 249219.326
4.58333333 222400.003
4.625 199369.729
4.66666667 181697.977
4.70833333 170589.049
4.75 166800
4.79166667 170589.047
4.83333333 181697.973
4.875 199369.723
4.91666667 222399.997
4.95833333 249219.318
5 277999.996
5.04166667 306780.674
5.08333333 333599.996
5.125 356630.271
5.16666667 374302.023
5.20833333 385410.951
5.25 389200
5.29166667 385410.953
5.33333333 374302.027
5.375 356630.277
5.41666667 333600.004
5.45833333 306780.682
5.5 278000.004
5.54166667 249219.326
5.58333333 222400.004
5.625 199369.729
5.66666667 181697.977
5.70833333 170589.049
5.75 166800
5.79166667 170589.047
5.83333333 181697.973
5.875 199369.723
5.91666667 222399.996
5.95833333 249219.318
6 277999.995
6.04166667 306780.673
6.08333333 333599.996
6.125 356630.271
6.16666667 374302.022
6.20833333 385410.951
6.25 389200
6.29166667 385410.953
6.33333333 374302.027
6.375 356630.278
6.41666667 333600.004
6.45833333 306780.683
6.5 278000.005
6.54166667 249219.327
6.58333333 222400.005
6.625 199369.73
6.66666667 181697.978
6.70833333 170589.05
6.75 166800
6.79166667 170589.047
6.83333333 181697.972
6.875 199369.722
6.91666667 222399.995
6.95833333 249219.317
7 277999.994
e
set output
